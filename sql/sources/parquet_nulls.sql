-- Grain: one row: whether the statistics of every row group prove that $column has a leaf without a single null.
SELECT
  count(*) > 0
  AND count(*) FILTER (WHERE leaves_without_nulls = 0) = 0 AS filled
FROM (
  SELECT
    file_name,
    row_group_id,
    count(*) FILTER (WHERE stats_null_count = 0) AS leaves_without_nulls
  FROM parquet_metadata($files)
  WHERE split_part(path_in_schema, ', ', 1) = $column
    AND contains(path_in_schema, ', ')
  GROUP BY file_name, row_group_id
);
