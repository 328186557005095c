-- Grain: one row per trial of a candidate's comparison or of a week's re-run.
CREATE VIEW trials AS
SELECT
  'regression' AS purpose, candidate AS scope, arm, system_id, item_id, trial, route, subsets,
  scorer, response, score, score_error, status, error_code, served_model, input_tokens,
  output_tokens, cost_usd, latency_seconds, attempts
FROM regression_trials
UNION ALL
SELECT
  'drift' AS purpose, week AS scope, stream AS arm, system_id, item_id, trial, route, subsets,
  scorer, response, score, score_error, status, error_code, served_model, input_tokens,
  output_tokens, cost_usd, latency_seconds, attempts
FROM drift_trials;
