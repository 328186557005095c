-- Grain: one row per week (its Monday, UTC) in which the logs hold an interaction.
SELECT DISTINCT CAST(date_trunc('week', occurred_at) AS DATE) AS week
FROM interactions
WHERE reason IS NULL
ORDER BY week;
