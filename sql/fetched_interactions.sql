-- Grain: one row per record whose id stands in the frame `wanted`, with its texts, in the canonical schema; repeats of an id are all there.
SELECT
  interaction_id, occurred_at, conversation_id, user_id, route, prompt_version, messages, response,
  provider, requested_model, served_model, finish_reason, error, latency_seconds, input_tokens,
  output_tokens, cost_usd, outcome, feedback, escalated, attributes
FROM interactions
SEMI JOIN wanted USING (interaction_id)
WHERE reason IS NULL
-- A fixed order, so that everyone chooses the same record among repeats.
ORDER BY
  interaction_id, occurred_at, conversation_id, route,
  md5(concat_ws('|', user_id, prompt_version, requested_model, served_model, provider)),
  finish_reason, error, latency_seconds, input_tokens, output_tokens, cost_usd, outcome, feedback,
  escalated, md5(CAST(messages AS VARCHAR)), md5(response), md5(CAST(attributes AS VARCHAR));
