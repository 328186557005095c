-- Grain: one row: the week's records by counts only. A record without a plausible time belongs to no week and is counted in each; the counts of nulls, ranges and times are of the view `framed`.
WITH records AS (
  SELECT
    count(*) FILTER (WHERE reason = 'malformed_line') AS malformed_line,
    count(*) FILTER (WHERE reason = 'missing_interaction_id') AS missing_interaction_id,
    count(*) FILTER (WHERE reason = 'missing_conversation_id') AS missing_conversation_id,
    count(*) FILTER (WHERE reason = 'missing_route') AS missing_route,
    count(*) FILTER (WHERE reason = 'missing_occurred_at') AS missing_occurred_at,
    count(*) FILTER (WHERE reason = 'missing_messages') AS missing_messages,
    count(*) FILTER (WHERE reason = 'implausible_occurred_at') AS implausible_occurred_at,
    count(*) FILTER (WHERE reason IS NOT NULL) AS quarantined,
    count(*) FILTER (
      WHERE reason IS NULL AND arrived_at >= CAST($closes AS TIMESTAMPTZ)
    ) AS left_for_next_week
  FROM interactions
  WHERE occurred_at IS NULL
    -- The times that sources/canonical.sql calls implausible; by the column, so that files are pruned.
    OR occurred_at < CAST('2000-01-01 00:00:00+00' AS TIMESTAMPTZ)
    OR occurred_at >= CAST('2100-01-01 00:00:00+00' AS TIMESTAMPTZ)
    OR (
      occurred_at >= CAST($from AS TIMESTAMPTZ)
      AND occurred_at < CAST($until AS TIMESTAMPTZ)
    )
),
frame AS (
  SELECT
    count(*) AS interactions,
    count(*) FILTER (WHERE late) AS late_interactions,
    count(*) FILTER (WHERE arrived_at < occurred_at) AS arrived_before_occurred,
    count(*) FILTER (WHERE occurred_at > CAST($now AS TIMESTAMPTZ)) AS in_the_future,
    -- One bit for each day of the week: counting distinct days would hash every row.
    coalesce(
      bit_count(bit_or(CASE WHEN NOT late THEN 1 << dayofweek(occurred_at) END)), 0
    ) AS days_with_interactions,
    min(CASE WHEN NOT late THEN occurred_at END) AS first_occurred_at,
    max(CASE WHEN NOT late THEN occurred_at END) AS last_occurred_at,
    count(*) FILTER (WHERE user_id IS NULL) AS null_user_id,
    count(*) FILTER (WHERE prompt_version IS NULL) AS null_prompt_version,
    count(*) FILTER (WHERE response_missing) AS null_response,
    count(*) FILTER (WHERE provider IS NULL) AS null_provider,
    count(*) FILTER (WHERE requested_model IS NULL) AS null_requested_model,
    count(*) FILTER (WHERE served_model IS NULL) AS null_served_model,
    count(*) FILTER (WHERE finish_reason IS NULL) AS null_finish_reason,
    count(*) FILTER (WHERE error IS NULL) AS null_error,
    count(*) FILTER (WHERE latency_seconds IS NULL) AS null_latency_seconds,
    count(*) FILTER (WHERE input_tokens IS NULL) AS null_input_tokens,
    count(*) FILTER (WHERE output_tokens IS NULL) AS null_output_tokens,
    count(*) FILTER (WHERE cost_usd IS NULL) AS null_cost_usd,
    count(*) FILTER (WHERE outcome IS NULL) AS null_outcome,
    count(*) FILTER (WHERE feedback IS NULL) AS null_feedback,
    count(*) FILTER (WHERE escalated IS NULL) AS null_escalated,
    count(*) FILTER (WHERE attributes_missing) AS null_attributes,
    count(*) FILTER (
      WHERE latency_seconds < 0 OR latency_seconds > 3600
        OR input_tokens < 0 OR input_tokens > 10000000
        OR output_tokens < 0 OR output_tokens > 10000000
        OR cost_usd < 0
        OR outcome < 0 OR outcome > 1
        OR feedback NOT IN (-1, 0, 1)
    ) AS out_of_range,
    count(*) FILTER (WHERE latency_seconds < 0) AS negative_latency,
    count(*) FILTER (WHERE latency_seconds > 3600) AS implausible_latency,
    count(*) FILTER (WHERE input_tokens < 0 OR output_tokens < 0) AS negative_tokens,
    count(*) FILTER (
      WHERE input_tokens > 10000000 OR output_tokens > 10000000
    ) AS implausible_tokens,
    count(*) FILTER (WHERE cost_usd < 0) AS negative_cost,
    count(*) FILTER (WHERE outcome < 0 OR outcome > 1) AS outcome_outside_0_1,
    count(*) FILTER (WHERE feedback NOT IN (-1, 0, 1)) AS feedback_unknown
  FROM framed
)
SELECT records.*, frame.*
FROM records
CROSS JOIN frame;
