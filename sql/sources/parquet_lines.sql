-- Grain: one row per row of the view `rows`, as a line of JSON.
SELECT to_json(rows) AS line
FROM rows;
