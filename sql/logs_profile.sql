-- Grain: one row: the week's records by counts only. Nulls and ranges are of `interactions`, the records that fit; a record without a time counts as quarantined in every week.
WITH records AS (
  SELECT
    reason, interaction_id, occurred_at, user_id, route, conversation_id, prompt_version,
    coalesce(message_count, 0) = 0 AS messages_missing, response IS NULL AS response_missing,
    attributes IS NULL AS attributes_missing, provider, requested_model, served_model,
    finish_reason, error, latency_seconds, input_tokens, output_tokens, cost_usd, outcome,
    feedback, escalated,
    coalesce(latency_seconds < 0, false) AS negative_latency,
    coalesce(input_tokens < 0, false) OR coalesce(output_tokens < 0, false) AS negative_tokens,
    coalesce(cost_usd < 0, false) AS negative_cost,
    coalesce(outcome < 0 OR outcome > 1, false) AS outcome_outside_0_1,
    coalesce(feedback NOT IN (-1, 0, 1), false) AS feedback_unknown
  FROM interactions
  WHERE occurred_at IS NULL
    OR (
      occurred_at >= CAST($from AS TIMESTAMPTZ)
      AND occurred_at < CAST($until AS TIMESTAMPTZ)
    )
),
judged AS (
  SELECT
    * EXCLUDE (reason),
    CASE
      WHEN reason IS NULL AND row_number() OVER (
        PARTITION BY interaction_id, reason IS NULL
        ORDER BY conversation_id, occurred_at
      ) > 1 THEN 'repeated_interaction_id'
      ELSE reason
    END AS reason
  FROM records
),
reasons AS (
  SELECT reason, count(*) AS records
  FROM judged
  WHERE reason IS NOT NULL
  GROUP BY reason
)
SELECT
  count(*) FILTER (WHERE reason IS NULL) AS interactions,
  count(*) FILTER (WHERE reason IS NOT NULL) AS quarantined,
  coalesce(
    (SELECT list({'reason': reason, 'count': records} ORDER BY reason) FROM reasons), []
  ) AS quarantine_reasons,
  count(*) FILTER (WHERE reason = 'repeated_interaction_id') AS duplicate_ids,
  count(*) FILTER (WHERE reason IS NULL AND interaction_id IS NULL) AS null_interaction_id,
  count(*) FILTER (WHERE reason IS NULL AND occurred_at IS NULL) AS null_occurred_at,
  count(*) FILTER (WHERE reason IS NULL AND conversation_id IS NULL) AS null_conversation_id,
  count(*) FILTER (WHERE reason IS NULL AND user_id IS NULL) AS null_user_id,
  count(*) FILTER (WHERE reason IS NULL AND route IS NULL) AS null_route,
  count(*) FILTER (WHERE reason IS NULL AND prompt_version IS NULL) AS null_prompt_version,
  count(*) FILTER (WHERE reason IS NULL AND messages_missing) AS null_messages,
  count(*) FILTER (WHERE reason IS NULL AND response_missing) AS null_response,
  count(*) FILTER (WHERE reason IS NULL AND provider IS NULL) AS null_provider,
  count(*) FILTER (WHERE reason IS NULL AND requested_model IS NULL) AS null_requested_model,
  count(*) FILTER (WHERE reason IS NULL AND served_model IS NULL) AS null_served_model,
  count(*) FILTER (WHERE reason IS NULL AND finish_reason IS NULL) AS null_finish_reason,
  count(*) FILTER (WHERE reason IS NULL AND error IS NULL) AS null_error,
  count(*) FILTER (WHERE reason IS NULL AND latency_seconds IS NULL) AS null_latency_seconds,
  count(*) FILTER (WHERE reason IS NULL AND input_tokens IS NULL) AS null_input_tokens,
  count(*) FILTER (WHERE reason IS NULL AND output_tokens IS NULL) AS null_output_tokens,
  count(*) FILTER (WHERE reason IS NULL AND cost_usd IS NULL) AS null_cost_usd,
  count(*) FILTER (WHERE reason IS NULL AND outcome IS NULL) AS null_outcome,
  count(*) FILTER (WHERE reason IS NULL AND feedback IS NULL) AS null_feedback,
  count(*) FILTER (WHERE reason IS NULL AND escalated IS NULL) AS null_escalated,
  count(*) FILTER (WHERE reason IS NULL AND attributes_missing) AS null_attributes,
  count(*) FILTER (
    WHERE reason IS NULL
      AND (
        negative_latency OR negative_tokens OR negative_cost
        OR outcome_outside_0_1 OR feedback_unknown
      )
  ) AS out_of_range,
  count(*) FILTER (WHERE reason IS NULL AND negative_latency) AS negative_latency,
  count(*) FILTER (WHERE reason IS NULL AND negative_tokens) AS negative_tokens,
  count(*) FILTER (WHERE reason IS NULL AND negative_cost) AS negative_cost,
  count(*) FILTER (WHERE reason IS NULL AND outcome_outside_0_1) AS outcome_outside_0_1,
  count(*) FILTER (WHERE reason IS NULL AND feedback_unknown) AS feedback_unknown,
  min(occurred_at) FILTER (WHERE reason IS NULL) AS first_occurred_at,
  max(occurred_at) FILTER (WHERE reason IS NULL) AS last_occurred_at
FROM judged;
