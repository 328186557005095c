-- Grain: one row per stratum of the view `framed`: how many interactions it holds, and in one slice of the conversations, how many of these.
-- Slices keep memory flat. Ids are told apart by 64 bits: among ten million, two that agree are a matter of once in 370,000 weeks.
WITH counted AS (
  SELECT
    stratum,
    count(*) AS interactions,
    count(*) FILTER (WHERE late) AS late_interactions
  FROM framed
  GROUP BY stratum
),
conversations AS (
  -- Numbers in place of texts: half the memory.
  SELECT stratum_hash, count(*) AS population_size
  FROM (
    SELECT DISTINCT hash(stratum) AS stratum_hash, hash(conversation_id) AS conversation_hash
    FROM framed
  )
  WHERE CAST(conversation_hash >> 1 AS BIGINT) % CAST($slices AS BIGINT) = CAST($slice AS BIGINT)
  GROUP BY stratum_hash
)
SELECT
  t.stratum,
  coalesce(c.population_size, 0) AS population_size,
  CASE WHEN $slice = 0 THEN t.interactions ELSE 0 END AS interactions,
  CASE WHEN $slice = 0 THEN t.late_interactions ELSE 0 END AS late_interactions
FROM counted AS t
LEFT JOIN conversations AS c ON hash(t.stratum) = c.stratum_hash
ORDER BY t.stratum;
