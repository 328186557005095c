-- Grain: one row per item of one golden version.
CREATE MACRO golden_items(version) AS TABLE
SELECT * EXCLUDE (golden_version)
FROM golden_set
WHERE golden_version = version;
