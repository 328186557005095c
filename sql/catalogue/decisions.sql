-- Grain: one row per decision of the gate.
CREATE VIEW decisions AS
SELECT *
FROM gate_decision
ORDER BY candidate, decision_id;
