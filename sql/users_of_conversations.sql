-- Grain: one row per interaction of the view `framed` in a conversation of the frame `wanted`, with who wrote it.
SELECT
  f.interaction_id,
  f.conversation_id,
  f.user_id
FROM framed AS f
INNER JOIN wanted AS w ON f.conversation_id = w.conversation_id
ORDER BY f.conversation_id, f.interaction_id, f.user_id;
