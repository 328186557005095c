-- Grain: one row per item that a golden version admitted, retired or revised, and per erasure.
-- An erasure stands with the first version that no longer holds the item; `detail` is its id.
CREATE VIEW golden_changes AS
FROM (
  SELECT golden_version, week, item_id, change, reason, detail
  FROM (
    SELECT golden_version, week, 'retired' AS change, unnest(retired, max_depth := 2)
    FROM golden_manifests
  )
  UNION ALL BY NAME
  SELECT golden_version, week, item_id, change, reason, detail
  FROM (
    SELECT golden_version, week, 'admitted' AS change, unnest(admitted, max_depth := 2)
    FROM golden_manifests
  )
  UNION ALL BY NAME
  SELECT golden_version, week, item_id, change, reason, detail
  FROM (
    SELECT golden_version, week, 'revised' AS change, unnest(revised, max_depth := 2)
    FROM golden_manifests
  )
  UNION ALL BY NAME
  SELECT
    min(golden_version) AS golden_version,
    arg_min(week, golden_version) AS week,
    item_id,
    'erased' AS change,
    arg_min(reason, golden_version) AS reason,
    erasure_id AS detail
  FROM golden_tombstones
  GROUP BY item_id, erasure_id
)
ORDER BY golden_version, change, item_id, detail;
