-- Grain: one row per logged interaction, in the canonical columns; $path holds the files' names.
SELECT
  id AS interaction_id,
  created_at AS occurred_at,
  session_id AS conversation_id,
  intent AS route,
  messages,
  answer AS response
FROM read_parquet($path);
