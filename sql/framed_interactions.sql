-- Grain: one row per interaction of the view `interactions` that belongs to the week's frame, with its stratum.
-- A week closes at its watermark. What arrives later joins the next week's frame, so that every interaction has exactly one.
SELECT
  *,
  coalesce(
    nullif(
      concat_ws(
        '|',
        CASE WHEN $by_route THEN 'route=' || route END,
        CASE WHEN $by_prompt_version THEN 'prompt_version=' || coalesce(prompt_version, 'unknown') END,
        CASE
          WHEN $by_requested_model THEN 'requested_model=' || coalesce(requested_model, 'unknown')
        END
      ),
      ''
    ),
    'all'
  ) AS stratum,
  occurred_at < CAST($from AS TIMESTAMPTZ) AS late
FROM interactions
WHERE reason IS NULL
  AND (
    (
      occurred_at >= CAST($from AS TIMESTAMPTZ)
      AND occurred_at < CAST($until AS TIMESTAMPTZ)
      AND (arrived_at IS NULL OR arrived_at < CAST($closes AS TIMESTAMPTZ))
    )
    OR (
      occurred_at >= CAST($week_before AS TIMESTAMPTZ)
      AND occurred_at < CAST($from AS TIMESTAMPTZ)
      AND arrived_at >= CAST($closed_before AS TIMESTAMPTZ)
      AND arrived_at < CAST($closes AS TIMESTAMPTZ)
    )
  );
