-- Grain: one row per interaction named in the frame `wanted`, with its text, in the canonical schema.
SELECT
  interaction_id, occurred_at, conversation_id, user_id, route, prompt_version, messages, response,
  provider, requested_model, served_model, finish_reason, error, latency_seconds, input_tokens,
  output_tokens, cost_usd, outcome, feedback, escalated, attributes
FROM interactions
SEMI JOIN wanted USING (interaction_id)
WHERE reason IS NULL
  AND occurred_at >= CAST($from AS TIMESTAMPTZ)
  AND occurred_at < CAST($until AS TIMESTAMPTZ)
-- The order of `narrow_interactions`, then the texts: both choose the same row among repeats.
QUALIFY row_number() OVER (
  PARTITION BY interaction_id
  ORDER BY
    md5(concat_ws('|', conversation_id, route, user_id, prompt_version, requested_model)),
    occurred_at, served_model, provider, finish_reason, error, latency_seconds, input_tokens,
    output_tokens, cost_usd, outcome, feedback, escalated,
    md5(CAST(messages AS VARCHAR)), md5(response), md5(CAST(attributes AS VARCHAR))
) = 1
ORDER BY interaction_id;
