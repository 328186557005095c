-- Grain: one row per interaction of the view `framed` whose conversation's hash lies below the threshold of its stratum.
-- The hash is the first 52 bits of md5, exact in a double; hex digits order as the numbers do (methods 1.1).
SELECT
  f.stratum,
  f.conversation_id,
  substr(md5($salt || '|' || f.conversation_id), 1, 13) AS conversation_digits,
  f.interaction_id,
  f.route,
  f.occurred_at
FROM framed AS f
INNER JOIN thresholds AS t ON f.stratum = t.stratum
WHERE md5($salt || '|' || f.conversation_id) < t.threshold
  -- Says nothing new, but before the join, where most rows go.
  AND md5($salt || '|' || f.conversation_id) < $highest
ORDER BY f.stratum, conversation_digits, f.conversation_id, f.interaction_id, f.occurred_at, f.route;
