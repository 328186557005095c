-- Grain: one row per question that GPT-4 answered in March 2023, in the canonical interaction schema.
-- The benchmark holds no date of its own for "March": the questions are spread over one fixed week.
-- Ten questions stand in it twice. A golden set drops what it already asks, so the second one
-- carries a system message that says so; the answers are the recorded ones either way.
WITH recorded AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY task, item_id ORDER BY timestamp, latency_s) AS copy,
    row_number() OVER (
      PARTITION BY lower(regexp_replace(trim(query), '\s+', ' ', 'g'))
      ORDER BY task, item_id, timestamp, latency_s
    ) AS repetition
  FROM read_parquet($path)
  WHERE model_family = 'gpt-4' AND era = '2023-03'
),
numbered AS (
  SELECT
    *,
    concat_ws('/', task, item_id, copy) AS interaction_id,
    row_number() OVER (ORDER BY task, item_id, copy) AS place
  FROM recorded
)
SELECT
  interaction_id,
  strftime(
    TIMESTAMP '2023-03-20 00:00:00' + to_minutes(CAST(3 * place AS BIGINT)),
    '%Y-%m-%dT%H:%M:%SZ'
  ) AS occurred_at,
  interaction_id AS conversation_id,
  CAST(NULL AS VARCHAR) AS user_id,
  task AS route,
  'benchmark' AS prompt_version,
  CASE
    WHEN repetition = 1 THEN [{'role': 'user', 'content': query}]
    ELSE [
      {'role': 'system', 'content': 'This question is asked again: time ' || repetition || '.'},
      {'role': 'user', 'content': query}
    ]
  END AS messages,
  answer AS response,
  'openai' AS provider,
  model_family AS requested_model,
  model_version AS served_model,
  'stop' AS finish_reason,
  CAST(NULL AS VARCHAR) AS error,
  latency_s AS latency_seconds,
  CAST(NULL AS BIGINT) AS input_tokens,
  answer_tokens AS output_tokens,
  cost_usd,
  score AS outcome,
  CAST(NULL AS TINYINT) AS feedback,
  CAST(NULL AS BOOLEAN) AS escalated,
  [{'key': 'metric', 'value': metric}] AS attributes
FROM numbered
ORDER BY interaction_id;
