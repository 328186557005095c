-- Grain: one row per stratum of the view `framed`, in one slice of the conversations: how many conversations and interactions it holds.
-- Slices add up and keep memory flat. Ids are told apart by 64 bits: among ten million, two that agree are a matter of once in 370,000 weeks.
SELECT
  stratum,
  count(DISTINCT conversation_hash) AS population_size,
  count(*) AS interactions,
  count(*) FILTER (WHERE late) AS late_interactions
FROM (
  SELECT stratum, late, hash(conversation_id) AS conversation_hash
  FROM framed
)
WHERE CAST(conversation_hash >> 1 AS BIGINT) % CAST($slices AS BIGINT) = CAST($slice AS BIGINT)
GROUP BY stratum
ORDER BY stratum;
