-- Grain: one row per published golden version.
-- A version is in force once the newest week of its chain is over.
CREATE VIEW golden_versions AS
SELECT
  golden_version,
  parent,
  week,
  CAST(newest_week AS DATE) + 7 AS in_force_from,
  counts.items AS items,
  counts.fresh AS fresh,
  len(admitted) AS admitted,
  len(retired) AS retired,
  len(revised) AS revised,
  len(tombstones) AS erased,
  len(reissues) AS reissues,
  canary,
  content_fingerprint
FROM golden_manifests
ORDER BY golden_version;
