-- Grain: one row: how many interactions of the view `framed` repeat an id, in one slice of the ids.
SELECT count(*) - count(DISTINCT id_hash) AS repeats
FROM (
  SELECT hash(interaction_id) AS id_hash
  FROM framed
)
WHERE CAST(id_hash >> 1 AS BIGINT) % CAST($slices AS BIGINT) = CAST($slice AS BIGINT);
