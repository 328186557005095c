-- Grain: one row per interaction of the week that may be sampled, without text; repeats of an id fall to the first by hash.
SELECT
  interaction_id, occurred_at, conversation_id, user_id, route, prompt_version, requested_model,
  served_model, provider, finish_reason, error, latency_seconds, input_tokens, output_tokens,
  cost_usd, outcome, feedback, escalated
FROM interactions
WHERE reason IS NULL
  AND occurred_at >= CAST($from AS TIMESTAMPTZ)
  AND occurred_at < CAST($until AS TIMESTAMPTZ)
QUALIFY row_number() OVER (
  PARTITION BY interaction_id
  ORDER BY
    md5(concat_ws('|', conversation_id, route, user_id, prompt_version, requested_model)),
    occurred_at, served_model, provider, finish_reason, error, latency_seconds, input_tokens,
    output_tokens, cost_usd, outcome, feedback, escalated
) = 1
ORDER BY interaction_id;
