-- Grain: one row per erased item and golden version that held it.
CREATE VIEW golden_tombstones AS
SELECT
  s.golden_version,
  s.week,
  s.item_id,
  s.item_revision,
  s.reference_label,
  s.erasure_id,
  list_filter(s.reissues, lambda r: r.erasure_id = s.erasure_id)[1].reason AS reason
FROM (
  SELECT golden_version, week, reissues, unnest(tombstones, max_depth := 2)
  FROM golden_manifests
) AS s;
