-- Grain: one row per route and error code of the view `framed`, with how many conversations met it.
-- A code is the one word, or the status, that an error is or begins with before a colon; any other error is 'other'.
SELECT
  route,
  category,
  count(*) AS interactions,
  count(DISTINCT conversation_id) AS conversations
FROM (
  SELECT
    route,
    conversation_id,
    coalesce(
      nullif(
        lower(
          regexp_extract(
            replace(error, chr(10), ' '),
            '^([A-Za-z][A-Za-z_.-]{1,39}|[1-5][0-9][0-9])(:|$)',
            1
          )
        ),
        ''
      ),
      'other'
    ) AS category
  FROM framed
  WHERE error IS NOT NULL
)
GROUP BY route, category
ORDER BY route, category;
