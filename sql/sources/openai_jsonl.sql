-- Grain: one row per line of the view `lines`: a request and its response, of chat completions, of the Responses API or of a batch.
-- {"request": {...}, "response": {...}, "metadata": {...}, "created": ...}; in a batch `body` and `response.body`. Ids come from `metadata`, then from the pair; `created` is in epoch seconds or ISO 8601.
WITH pairs AS (
  SELECT
    line,
    coalesce(line ->> '$.request.model', line ->> '$.request.body.model', line ->> '$.body.model')
      AS requested_model,
    coalesce(
      line ->> '$.created', line ->> '$.created_at', line ->> '$.metadata.created',
      line ->> '$.response.created', line ->> '$.response.created_at',
      line ->> '$.response.body.created', line ->> '$.response.body.created_at',
      line ->> '$.timestamp'
    ) AS created,
    coalesce(
      json_extract(line, '$.request.messages'), json_extract(line, '$.request.body.messages'),
      json_extract(line, '$.body.messages'), json_extract(line, '$.request.input'),
      json_extract(line, '$.request.body.input'), json_extract(line, '$.body.input')
    ) AS asked,
    coalesce(
      line ->> '$.request.instructions', line ->> '$.request.body.instructions',
      line ->> '$.body.instructions'
    ) AS instructions,
    coalesce(
      line ->> '$.metadata.interaction_id', line ->> '$.response.id', line ->> '$.response.body.id',
      line ->> '$.custom_id', line ->> '$.id'
    ) AS interaction_id
  FROM lines
)
SELECT
  interaction_id,
  coalesce(
    CASE
      WHEN TRY_CAST(created AS DOUBLE) BETWEEN 0 AND 4102444800
        THEN make_timestamp(TRY_CAST(floor(TRY_CAST(created AS DECIMAL(28, 9)) * 1000000) AS BIGINT))
    END,
    TRY_CAST(created AS TIMESTAMPTZ)
  ) AS occurred_at,
  coalesce(line ->> '$.arrived_at', line ->> '$.metadata.arrived_at') AS arrived_at,
  coalesce(
    line ->> '$.metadata.conversation_id',
    line ->> '$.metadata.session_id',
    line ->> '$.response.conversation.id',
    interaction_id
  ) AS conversation_id,
  coalesce(
    line ->> '$.metadata.user_id', line ->> '$.request.user', line ->> '$.request.safety_identifier',
    line ->> '$.request.body.user', line ->> '$.body.user'
  ) AS user_id,
  coalesce(
    line ->> '$.metadata.route', line ->> '$.request.metadata.route', line ->> '$.body.metadata.route',
    'default'
  ) AS route,
  coalesce(
    line ->> '$.metadata.prompt_version', line ->> '$.request.prompt.version',
    line ->> '$.body.prompt.version'
  ) AS prompt_version,
  CASE
    WHEN instructions IS NULL THEN asked
    ELSE to_json(
      list_concat(
        [json_object('role', 'system', 'content', instructions)],
        coalesce(
          from_json(asked, '["JSON"]'), [json_object('role', 'user', 'content', asked ->> '$')]
        )
      )
    )
  END AS messages,
  CASE
    WHEN CAST(asked AS VARCHAR) IN ('null', '[]', '""', '{}', '') THEN 0
    WHEN CAST(asked AS VARCHAR) LIKE '[%' THEN CAST(json_array_length(asked) AS BIGINT)
    -- Only the Responses API takes a text where a list could stand.
    WHEN coalesce(
      line ->> '$.request.messages', line ->> '$.request.body.messages', line ->> '$.body.messages'
    ) IS NOT NULL THEN 0
    WHEN asked IS NOT NULL THEN 1
    ELSE 0
  END AS message_count,
  coalesce(
    line ->> '$.response.choices[0].message.content',
    line ->> '$.response.choices[0].message.refusal',
    line ->> '$.response.choices[0].message.tool_calls',
    line ->> '$.response.body.choices[0].message.content',
    line ->> '$.response.body.choices[0].message.refusal',
    line ->> '$.response.body.choices[0].message.tool_calls',
    line ->> '$.response.output_text',
    nullif(
      array_to_string(
        list_transform(
          from_json(
            coalesce(line -> '$.response.output', line -> '$.response.body.output'), '["JSON"]'
          ),
          lambda o: CASE o ->> '$.type'
            WHEN 'message' THEN array_to_string(
              list_transform(
                from_json(o -> '$.content', '["JSON"]'),
                lambda p: coalesce(p ->> '$.text', p ->> '$.refusal')
              ),
              chr(10)
            )
            WHEN 'reasoning' THEN NULL
            ELSE CAST(o AS VARCHAR)
          END
        ),
        chr(10)
      ),
      ''
    ),
    line ->> '$.response.choices[0].text'
  ) AS response,
  coalesce(
    line ->> '$.response.choices[0].message.content',
    line ->> '$.response.choices[0].message.refusal',
    line ->> '$.response.choices[0].message.tool_calls',
    line ->> '$.response.body.choices[0].message.content',
    line ->> '$.response.body.choices[0].message.refusal',
    line ->> '$.response.body.choices[0].message.tool_calls',
    line ->> '$.response.output_text',
    nullif(line ->> '$.response.output', '[]'),
    nullif(line ->> '$.response.body.output', '[]'),
    line ->> '$.response.choices[0].text'
  ) IS NULL AS response_missing,
  coalesce(line ->> '$.metadata.provider', 'openai') AS provider,
  requested_model,
  coalesce(line ->> '$.response.model', line ->> '$.response.body.model') AS served_model,
  coalesce(
    line ->> '$.response.choices[0].finish_reason',
    line ->> '$.response.body.choices[0].finish_reason',
    line ->> '$.response.incomplete_details.reason',
    line ->> '$.response.status',
    line ->> '$.response.body.status'
  ) AS finish_reason,
  coalesce(
    line ->> '$.response.error.code', line ->> '$.response.error.type',
    line ->> '$.response.body.error.code', line ->> '$.response.body.error.type',
    line ->> '$.error.code', line ->> '$.error.type', line ->> '$.error'
  ) AS error,
  line ->> '$.metadata.latency_seconds' AS latency_seconds,
  coalesce(
    line ->> '$.response.usage.prompt_tokens', line ->> '$.response.usage.input_tokens',
    line ->> '$.response.body.usage.prompt_tokens', line ->> '$.response.body.usage.input_tokens'
  ) AS input_tokens,
  coalesce(
    line ->> '$.response.usage.completion_tokens', line ->> '$.response.usage.output_tokens',
    line ->> '$.response.body.usage.completion_tokens',
    line ->> '$.response.body.usage.output_tokens'
  ) AS output_tokens,
  line ->> '$.metadata.cost_usd' AS cost_usd,
  line ->> '$.metadata.outcome' AS outcome,
  line ->> '$.metadata.feedback' AS feedback,
  line ->> '$.metadata.escalated' AS escalated,
  line -> '$.metadata.attributes' AS attributes,
  (line ->> '$.metadata.attributes') IS NULL AS attributes_missing,
  line IS NULL OR NOT regexp_matches(CAST(line AS VARCHAR), '^\s*[{]') AS malformed,
  TRUE AS from_json
FROM pairs;
