-- Grain: one row: how many records of the view `lines` there are, and how many bear the signs of each format.
SELECT
  count(*) AS records,
  count(*) FILTER (
    WHERE (line -> '$.resourceSpans') IS NOT NULL
      OR (
        coalesce(line ->> '$.spanId', line ->> '$.span_id', line ->> '$.context.span_id')
          IS NOT NULL
        AND (line -> '$.attributes') IS NOT NULL
      )
  ) AS otel_genai,
  count(*) FILTER (
    WHERE (
      coalesce(line ->> '$.traceId', line ->> '$.trace_id') IS NOT NULL
      AND (
        upper(line ->> '$.type') IN (
          'GENERATION', 'SPAN', 'EVENT', 'AGENT', 'TOOL', 'CHAIN', 'RETRIEVER', 'EVALUATOR',
          'EMBEDDING', 'GUARDRAIL'
        )
        OR upper(coalesce(line ->> '$.dataType', line ->> '$.data_type')) IN (
          'NUMERIC', 'BOOLEAN', 'CATEGORICAL', 'TEXT'
        )
      )
    )
    OR (
      coalesce(line ->> '$.projectId', line ->> '$.project_id') IS NOT NULL
      AND (line ->> '$.timestamp') IS NOT NULL
      AND (line -> '$.tags') IS NOT NULL
    )
  ) AS langfuse,
  count(*) FILTER (
    WHERE (line ->> '$.call_type') IS NOT NULL
      AND coalesce(line ->> '$.startTime', line ->> '$.start_time') IS NOT NULL
  ) AS litellm,
  count(*) FILTER (
    WHERE (
      coalesce(line ->> '$.request.model', line ->> '$.request.body.model', line ->> '$.body.model')
        IS NOT NULL
      OR coalesce(
        line -> '$.request.messages', line -> '$.request.input', line -> '$.body.messages',
        line -> '$.body.input', line -> '$.request.body'
      ) IS NOT NULL
    )
    AND (line ->> '$.call_type') IS NULL
  ) AS openai_jsonl
FROM lines;
