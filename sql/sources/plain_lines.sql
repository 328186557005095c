-- Grain: one row per line of $files that is not blank: its JSON, or null where it is none.
SELECT json AS line
FROM read_ndjson_objects($files, ignore_errors = true, maximum_object_size = $maximum_bytes);
