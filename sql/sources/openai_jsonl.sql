-- Grain: one row per line of the view `lines`: {"request": {...}, "response": {...}, "metadata": {...}, "created": ...}.
-- Ids come from `metadata`, then from the pair itself; `created` is in epoch seconds or ISO 8601.
SELECT
  coalesce(line ->> '$.metadata.interaction_id', line ->> '$.response.id', line ->> '$.id')
    AS interaction_id,
  coalesce(
    to_timestamp(
      TRY_CAST(coalesce(line ->> '$.created', line ->> '$.response.created') AS DOUBLE)
    ),
    TRY_CAST(coalesce(line ->> '$.created', line ->> '$.metadata.created') AS TIMESTAMPTZ)
  ) AS occurred_at,
  coalesce(
    line ->> '$.metadata.conversation_id',
    line ->> '$.metadata.session_id',
    line ->> '$.response.id',
    line ->> '$.id'
  ) AS conversation_id,
  coalesce(line ->> '$.metadata.user_id', line ->> '$.request.user') AS user_id,
  coalesce(line ->> '$.metadata.route', line ->> '$.request.metadata.route', 'default') AS route,
  line ->> '$.metadata.prompt_version' AS prompt_version,
  line -> '$.request.messages' AS messages,
  coalesce(
    line ->> '$.response.choices[0].message.content',
    line ->> '$.response.choices[0].message.refusal',
    line ->> '$.response.choices[0].message.tool_calls'
  ) AS response,
  coalesce(line ->> '$.metadata.provider', 'openai') AS provider,
  line ->> '$.request.model' AS requested_model,
  line ->> '$.response.model' AS served_model,
  line ->> '$.response.choices[0].finish_reason' AS finish_reason,
  coalesce(line ->> '$.response.error.code', line ->> '$.response.error.type', line ->> '$.error')
    AS error,
  line ->> '$.metadata.latency_seconds' AS latency_seconds,
  line ->> '$.response.usage.prompt_tokens' AS input_tokens,
  line ->> '$.response.usage.completion_tokens' AS output_tokens,
  line ->> '$.metadata.cost_usd' AS cost_usd,
  line ->> '$.metadata.outcome' AS outcome,
  line ->> '$.metadata.feedback' AS feedback,
  line ->> '$.metadata.escalated' AS escalated,
  line -> '$.metadata.attributes' AS attributes,
  line IS NULL OR json_type(line) <> 'OBJECT' AS malformed
FROM lines;
