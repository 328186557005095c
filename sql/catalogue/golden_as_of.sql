-- Grain: one row per item of the newest golden version in force on a day; none before the first.
CREATE MACRO golden_as_of(day) AS TABLE
SELECT *
FROM golden_set
WHERE golden_version = (
  SELECT max(v.golden_version)
  FROM golden_versions AS v
  WHERE v.in_force_from <= CAST(day AS DATE)
);
