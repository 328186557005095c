-- Grain: one row per interaction, $count of the view `framed`, whichever come first.
SELECT interaction_id
FROM framed
LIMIT $count;
