-- Grain: one row per top-level key among the first 1000 lines of the view `lines`.
SELECT DISTINCT unnest(json_keys(line)) AS key
FROM (
  SELECT line
  FROM lines
  WHERE json_type(line) = 'OBJECT'
  LIMIT 1000
);
