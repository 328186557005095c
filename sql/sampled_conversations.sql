-- Grain: one row per conversation of the frame `conversations`, with its hash and its place in its stratum.
SELECT
  stratum,
  conversation_id,
  unit_hash,
  row_number() OVER (PARTITION BY stratum ORDER BY unit_hash, conversation_id) AS position,
  count(*) OVER (PARTITION BY stratum) AS population_size
FROM (
  SELECT
    stratum,
    conversation_id,
    -- The first 52 bits of md5: exact in a double, so every engine orders conversations alike.
    (CAST('0x' || substr(md5($salt || '|' || conversation_id), 1, 13) AS BIGINT) + 0.5::DOUBLE)
      / 4503599627370496 AS unit_hash
  FROM conversations
)
ORDER BY stratum, position;
