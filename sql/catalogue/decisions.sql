-- Grain: one row per decision of the gate; a candidate's last one holds.
CREATE VIEW decisions AS
SELECT *
FROM gate_decision
ORDER BY candidate, sequence;
