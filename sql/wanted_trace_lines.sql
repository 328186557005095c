-- Grain: one row per line of the view `lines` that speaks of a Langfuse trace with an interaction in the frame `wanted`.
WITH traced AS (
  SELECT
    raw_line,
    record,
    line ->> '$.id' AS id,
    coalesce(line ->> '$.traceId', line ->> '$.trace_id', line ->> '$.id') AS trace_id
  FROM lines
),
chosen AS (
  SELECT DISTINCT traced.trace_id
  FROM traced
  SEMI JOIN wanted ON traced.id = wanted.interaction_id
)
SELECT traced.raw_line, traced.record
FROM traced
SEMI JOIN chosen ON traced.trace_id = chosen.trace_id;
