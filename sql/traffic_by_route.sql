-- Grain: one row per route of the view `framed`: its interactions, and counts and exact sums of what they log.
-- Decimals add up alike in any order, doubles do not. What these do not hold, or is negative, is not counted.
SELECT
  route,
  count(*) AS interactions,
  count(error) AS errors,
  count(finish_reason) AS finish_reasons,
  count(*) FILTER (
    WHERE finish_reason IN ('content_filter', 'refusal', 'safety')
  ) AS refusals,
  count(escalated) AS escalations_known,
  count(*) FILTER (WHERE escalated) AS escalations,
  count(cost) AS costs,
  sum(cost) AS cost_sum,
  sum(cost * cost) AS cost_squares,
  count(feedback) AS feedbacks,
  sum(feedback) AS feedback_sum,
  sum(feedback * feedback) AS feedback_squares,
  count(result) AS outcomes,
  sum(result) AS outcome_sum,
  sum(result * result) AS outcome_squares,
  count(input) AS input_tokens,
  sum(input) AS input_token_sum,
  sum(input * input) AS input_token_squares,
  count(output) AS output_tokens,
  sum(output) AS output_token_sum,
  sum(output * output) AS output_token_squares
FROM (
  SELECT
    route,
    error,
    finish_reason,
    escalated,
    TRY_CAST(cost_usd AS DECIMAL(15, 11)) AS cost,
    CAST(feedback AS DECIMAL(4, 0)) AS feedback,
    TRY_CAST(outcome AS DECIMAL(15, 11)) AS result,
    CASE WHEN input_tokens >= 0 THEN TRY_CAST(input_tokens AS DECIMAL(10, 0)) END AS input,
    CASE WHEN output_tokens >= 0 THEN TRY_CAST(output_tokens AS DECIMAL(10, 0)) END AS output
  FROM framed
)
GROUP BY route
ORDER BY route;
