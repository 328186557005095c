-- Grain: one row per change of one item, in the order they happened, an erasure last.
-- A retired item's revision and label are those of the version before.
CREATE MACRO golden_history(item) AS TABLE
SELECT
  c.golden_version,
  c.week,
  c.change,
  c.reason,
  c.detail,
  coalesce(s.item_revision, t.item_revision) AS item_revision,
  coalesce(s.reference_label, t.reference_label) AS reference_label
FROM golden_changes AS c
LEFT JOIN golden_set AS s
  ON
    s.item_id = c.item_id
    AND s.golden_version = c.golden_version - CAST(c.change = 'retired' AS INTEGER)
LEFT JOIN golden_tombstones AS t
  ON
    t.item_id = c.item_id
    AND t.golden_version = c.golden_version - CAST(c.change = 'retired' AS INTEGER)
WHERE c.item_id = item
ORDER BY
  c.change = 'erased',
  c.golden_version,
  list_position(['retired', 'admitted', 'revised'], c.change);
