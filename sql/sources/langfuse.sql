-- Grain: one row per generation of the view `lines`, and one per trace that has input and output and no generation.
-- Lines are traces, observations and scores in any order, with the API's names or the blob export's. A line that is none of them is malformed.
WITH scores AS (
  SELECT
    coalesce(line ->> '$.traceId', line ->> '$.trace_id') AS trace_id,
    coalesce(line ->> '$.observationId', line ->> '$.observation_id', '') AS observation_id,
    lower(line ->> '$.name') AS name,
    upper(coalesce(line ->> '$.dataType', line ->> '$.data_type', 'NUMERIC')) AS data_type,
    lower(coalesce(line ->> '$.stringValue', line ->> '$.string_value')) AS label,
    TRY_CAST(line ->> '$.value' AS DOUBLE) AS value
  FROM lines
  WHERE coalesce(line ->> '$.value', line ->> '$.stringValue', line ->> '$.string_value') IS NOT NULL
    AND (line ->> '$.type') IS NULL
    AND coalesce(line ->> '$.traceId', line ->> '$.trace_id') IS NOT NULL
),
marks AS (
  SELECT
    trace_id,
    observation_id,
    name,
    CASE
      WHEN data_type IN ('NUMERIC', 'BOOLEAN') AND value BETWEEN 0 AND 1
        AND name NOT LIKE '%feedback%' AND name NOT LIKE '%thumb%' THEN value
    END AS mark,
    CASE
      WHEN name NOT LIKE '%feedback%' AND name NOT LIKE '%thumb%' THEN NULL
      WHEN label IN ('positive', 'good', 'up', 'like', 'helpful', 'true', 'yes') THEN 1
      WHEN label IN ('negative', 'bad', 'down', 'dislike', 'unhelpful', 'false', 'no') THEN -1
      WHEN data_type = 'BOOLEAN' THEN CASE WHEN value > 0 THEN 1 ELSE -1 END
      WHEN data_type = 'NUMERIC' THEN
        CASE WHEN value > 0 THEN 1 WHEN value < 0 THEN -1 WHEN value = 0 THEN 0 END
    END AS feedback
  FROM scores
),
observation_marks AS (
  SELECT
    trace_id,
    observation_id,
    coalesce(max(CASE WHEN name = 'outcome' THEN mark END), avg(mark)) AS outcome,
    min(feedback) AS feedback
  FROM marks
  WHERE observation_id <> ''
  GROUP BY trace_id, observation_id
),
trace_marks AS (
  SELECT
    trace_id,
    coalesce(max(CASE WHEN name = 'outcome' THEN mark END), avg(mark)) AS outcome,
    min(feedback) AS feedback
  FROM marks
  WHERE observation_id = ''
  GROUP BY trace_id
),
traces AS (
  SELECT
    line ->> '$.id' AS trace_id,
    max(nullif(coalesce(line ->> '$.sessionId', line ->> '$.session_id'), '')) AS session_id,
    max(nullif(coalesce(line ->> '$.userId', line ->> '$.user_id'), '')) AS user_id,
    max(nullif(line ->> '$.name', '')) AS name,
    max(nullif(coalesce(line ->> '$.version', line ->> '$.release'), '')) AS version,
    max(line ->> '$.tags') AS tags
  FROM lines
  WHERE (line ->> '$.id') IS NOT NULL
    AND (line ->> '$.type') IS NULL
    AND coalesce(line ->> '$.traceId', line ->> '$.trace_id') IS NULL
  GROUP BY line ->> '$.id'
),
observed AS (
  SELECT DISTINCT coalesce(line ->> '$.traceId', line ->> '$.trace_id') AS trace_id
  FROM lines
  WHERE upper(line ->> '$.type') = 'GENERATION'
),
calls AS (
  SELECT
    line,
    line ->> '$.id' AS interaction_id,
    coalesce(line ->> '$.traceId', line ->> '$.trace_id') AS trace_id,
    coalesce(line ->> '$.startTime', line ->> '$.start_time', line ->> '$.timestamp') AS start_text,
    coalesce(line ->> '$.endTime', line ->> '$.end_time') AS end_text,
    nullif(nullif(line ->> '$.input', ''), 'null') AS asked,
    nullif(nullif(line ->> '$.output', ''), 'null') AS answered,
    nullif(line ->> '$.trace_name', '') AS trace_name
  FROM lines
  WHERE line IS NULL
    OR upper(line ->> '$.type') = 'GENERATION'
    OR coalesce(line ->> '$.id', line ->> '$.traceId', line ->> '$.trace_id') IS NULL
  UNION ALL
  SELECT
    line,
    line ->> '$.id' AS interaction_id,
    line ->> '$.id' AS trace_id,
    line ->> '$.timestamp' AS start_text,
    NULL AS end_text,
    nullif(nullif(line ->> '$.input', ''), 'null') AS asked,
    nullif(nullif(line ->> '$.output', ''), 'null') AS answered,
    nullif(line ->> '$.name', '') AS trace_name
  FROM lines
  LEFT JOIN observed ON observed.trace_id = line ->> '$.id'
  WHERE (line ->> '$.id') IS NOT NULL
    AND observed.trace_id IS NULL
    AND (line ->> '$.type') IS NULL
    AND coalesce(line ->> '$.traceId', line ->> '$.trace_id') IS NULL
    AND coalesce(line ->> '$.input', 'null') NOT IN ('', 'null')
    AND coalesce(line ->> '$.output', 'null') NOT IN ('', 'null')
)
SELECT
  calls.interaction_id,
  TRY_CAST(calls.start_text AS TIMESTAMPTZ) AS occurred_at,
  coalesce(calls.line ->> '$.createdAt', calls.line ->> '$.created_at') AS arrived_at,
  coalesce(
    nullif(coalesce(calls.line ->> '$.sessionId', calls.line ->> '$.session_id'), ''),
    traces.session_id,
    calls.trace_id,
    calls.interaction_id
  ) AS conversation_id,
  coalesce(
    nullif(coalesce(calls.line ->> '$.userId', calls.line ->> '$.user_id'), ''), traces.user_id
  ) AS user_id,
  coalesce(calls.trace_name, traces.name, nullif(calls.line ->> '$.name', ''), 'default') AS route,
  coalesce(
    coalesce(nullif(calls.line ->> '$.promptName', ''), nullif(calls.line ->> '$.prompt_name', ''))
      || ':'
      || coalesce(calls.line ->> '$.promptVersion', calls.line ->> '$.prompt_version', ''),
    nullif(calls.line ->> '$.version', ''),
    traces.version
  ) AS prompt_version,
  coalesce(TRY_CAST(calls.asked AS JSON), to_json(calls.asked)) AS messages,
  CASE WHEN calls.asked IS NULL OR calls.asked IN ('[]', '{}', '""') THEN 0 ELSE 1 END
    AS message_count,
  coalesce(
    TRY_CAST(calls.answered AS JSON) ->> '$.choices[0].message.content',
    CASE json_type(TRY_CAST(calls.answered AS JSON), '$.content')
      WHEN 'VARCHAR' THEN TRY_CAST(calls.answered AS JSON) ->> '$.content'
      WHEN 'ARRAY' THEN array_to_string(
        list_transform(
          from_json(TRY_CAST(calls.answered AS JSON) -> '$.content', '["JSON"]'),
          lambda p: coalesce(p ->> '$.text', CAST(p AS VARCHAR))
        ),
        chr(10)
      )
    END,
    CASE WHEN json_type(TRY_CAST(calls.answered AS JSON), '$.role') = 'VARCHAR'
      THEN TRY_CAST(calls.answered AS JSON) ->> '$.tool_calls' END,
    TRY_CAST(calls.answered AS JSON) ->> '$[0].content',
    calls.answered
  ) AS response,
  calls.answered IS NULL AS response_missing,
  coalesce(calls.line ->> '$.metadata.provider', calls.line ->> '$.metadata.ls_provider') AS provider,
  nullif(
    coalesce(
      calls.line ->> '$.model', calls.line ->> '$.provided_model_name',
      calls.line ->> '$.providedModelName'
    ),
    ''
  ) AS requested_model,
  calls.line ->> '$.metadata.served_model' AS served_model,
  calls.line ->> '$.metadata.finish_reason' AS finish_reason,
  CASE WHEN upper(calls.line ->> '$.level') = 'ERROR' THEN 'error' END AS error,
  TRY_CAST(
    epoch_us(TRY_CAST(calls.end_text AS TIMESTAMPTZ))
      - epoch_us(TRY_CAST(calls.start_text AS TIMESTAMPTZ)) AS DOUBLE
  ) / 1000000 AS latency_seconds,
  coalesce(
    calls.line ->> '$.usageDetails.input', calls.line ->> '$.usage_details.input',
    calls.line ->> '$.usage.input', calls.line ->> '$.promptTokens'
  ) AS input_tokens,
  coalesce(
    calls.line ->> '$.usageDetails.output', calls.line ->> '$.usage_details.output',
    calls.line ->> '$.usage.output', calls.line ->> '$.completionTokens'
  ) AS output_tokens,
  coalesce(
    calls.line ->> '$.costDetails.total', calls.line ->> '$.cost_details.total',
    calls.line ->> '$.total_cost', calls.line ->> '$.totalCost',
    calls.line ->> '$.calculatedTotalCost'
  ) AS cost_usd,
  coalesce(observation_marks.outcome, trace_marks.outcome) AS outcome,
  coalesce(observation_marks.feedback, trace_marks.feedback) AS feedback,
  coalesce(calls.line ->> '$.metadata.escalated') AS escalated,
  CASE
    WHEN coalesce(traces.tags, calls.line ->> '$.tags') NOT IN ('[]', '')
      THEN json_object('tags', coalesce(traces.tags, calls.line ->> '$.tags'))
  END AS attributes,
  coalesce(traces.tags, calls.line ->> '$.tags', '[]') IN ('[]', '') AS attributes_missing,
  calls.line IS NULL OR calls.trace_id IS NULL AND calls.interaction_id IS NULL AS malformed,
  TRUE AS from_json
FROM calls
LEFT JOIN traces ON traces.trace_id = calls.trace_id
LEFT JOIN trace_marks ON trace_marks.trace_id = calls.trace_id
LEFT JOIN observation_marks
  ON observation_marks.trace_id = calls.trace_id
  AND observation_marks.observation_id = calls.interaction_id;
