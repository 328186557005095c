-- Grain: one row per reason in the view `interactions`; null is the rows that fit.
SELECT reason, count(*) AS records
FROM interactions
GROUP BY reason
ORDER BY reason;
