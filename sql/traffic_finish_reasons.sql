-- Grain: one row per route and finish reason of the view `framed`; what is not the plain name of a reason is 'other'.
SELECT
  route,
  category,
  count(*) AS interactions
FROM (
  SELECT
    route,
    CASE
      WHEN regexp_matches(finish_reason, '^[A-Za-z][A-Za-z_-]{0,39}$') THEN lower(finish_reason)
      ELSE 'other'
    END AS category
  FROM framed
  WHERE finish_reason IS NOT NULL
)
GROUP BY route, category
ORDER BY route, category;
