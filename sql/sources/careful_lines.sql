-- Grain: one row per line of `careful_lines` that is not blank: its JSON, or null where it is none, is too long or is not UTF-8.
SELECT TRY_CAST(text AS JSON) AS line
FROM careful_lines
WHERE text IS NULL OR regexp_matches(text, '\S');
