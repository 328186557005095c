-- Grain: one row per route, metric and bucket of the view `framed` that holds an interaction; null values are in none.
-- Buckets grow by 1 %: bucket b of the latency begins at 1.01^b seconds, and -1390 holds all under a microsecond.
-- Tokens up to 1000 are their own bucket; from 1001 on, bucket 1001 + b begins at 1000 * 1.01^b. Read by monitoring/traffic.py.
SELECT
  route,
  CASE
    WHEN grouping(latency_bucket) = 0 THEN 'latency_seconds'
    WHEN grouping(output_bucket) = 0 THEN 'output_tokens'
    ELSE 'input_tokens'
  END AS metric,
  coalesce(latency_bucket, output_bucket, input_bucket) AS bucket,
  count(*) AS interactions
FROM (
  SELECT
    route,
    CASE
      WHEN latency_seconds < 0.000001 THEN -1390
      ELSE CAST(floor(ln(latency_seconds) / ln(1.01)) AS BIGINT)
    END AS latency_bucket,
    CASE
      WHEN output_tokens < 0 THEN 0
      WHEN output_tokens <= 1000 THEN output_tokens
      ELSE 1001 + CAST(floor(ln(CAST(output_tokens AS DOUBLE) / 1000) / ln(1.01)) AS BIGINT)
    END AS output_bucket,
    CASE
      WHEN input_tokens < 0 THEN 0
      WHEN input_tokens <= 1000 THEN input_tokens
      ELSE 1001 + CAST(floor(ln(CAST(input_tokens AS DOUBLE) / 1000) / ln(1.01)) AS BIGINT)
    END AS input_bucket
  FROM framed
)
GROUP BY GROUPING SETS ((route, latency_bucket), (route, output_bucket), (route, input_bucket))
HAVING bucket IS NOT NULL
ORDER BY route, metric, bucket;
