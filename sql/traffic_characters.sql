-- Grain: one row per route and bucket of the response's length in characters of the view `framed`; no text leaves the scan.
-- Lengths up to 1000 are their own bucket; from 1001 on, bucket 1001 + b begins at 1000 * 1.01^b. For DuckDB alone: what Spark scans carries no texts.
SELECT
  route,
  CASE
    WHEN characters <= 1000 THEN characters
    ELSE 1001 + CAST(floor(ln(CAST(characters AS DOUBLE) / 1000) / ln(1.01)) AS BIGINT)
  END AS bucket,
  count(*) AS interactions,
  sum(exactly) AS characters_sum,
  sum(exactly * exactly) AS characters_squares
FROM (
  SELECT
    route,
    characters,
    TRY_CAST(characters AS DECIMAL(10, 0)) AS exactly
  FROM (
    SELECT
      route,
      CAST(length(response) AS BIGINT) AS characters
    FROM framed
    WHERE response IS NOT NULL
  )
)
GROUP BY route, bucket
ORDER BY route, bucket;
