-- Grain: one row: how many rows the files hold, by their own footers.
SELECT coalesce(sum(num_rows), 0) AS rows
FROM parquet_file_metadata($files);
