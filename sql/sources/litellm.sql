-- Grain: one row per call of the view `lines` that asked a model for text: LiteLLM's StandardLoggingPayload, or a row of its spend logs.
-- Times are in epoch seconds or ISO 8601. Calls for embeddings, images, sound and the like are no interactions.
WITH calls AS (
  SELECT
    line,
    coalesce(line ->> '$.startTime', line ->> '$.start_time') AS start_text,
    coalesce(line ->> '$.endTime', line ->> '$.end_time') AS end_text,
    coalesce(
      nullif(nullif(nullif(line ->> '$.messages', '{}'), '[]'), ''),
      line ->> '$.proxy_server_request.messages',
      line ->> '$.proxy_server_request.body.messages',
      line ->> '$.proxy_server_request.input'
    ) AS asked,
    nullif(nullif(nullif(line ->> '$.response', '{}'), '[]'), '') AS answered,
    lower(coalesce(line ->> '$.call_type', '')) AS call_type
  FROM lines
),
timed AS (
  SELECT
    *,
    coalesce(
      CASE
        WHEN TRY_CAST(start_text AS DOUBLE) BETWEEN 0 AND 4102444800
          THEN make_timestamp(
            TRY_CAST(floor(TRY_CAST(start_text AS DECIMAL(28, 9)) * 1000000) AS BIGINT)
          )
      END,
      TRY_CAST(start_text AS TIMESTAMPTZ)
    ) AS started_at,
    coalesce(
      CASE
        WHEN TRY_CAST(end_text AS DOUBLE) BETWEEN 0 AND 4102444800
          THEN make_timestamp(
            TRY_CAST(floor(TRY_CAST(end_text AS DECIMAL(28, 9)) * 1000000) AS BIGINT)
          )
      END,
      TRY_CAST(end_text AS TIMESTAMPTZ)
    ) AS ended_at
  FROM calls
)
SELECT
  coalesce(line ->> '$.id', line ->> '$.request_id', line ->> '$.litellm_call_id') AS interaction_id,
  started_at AS occurred_at,
  coalesce(
    line ->> '$.arrived_at', line ->> '$.metadata.spend_logs_metadata.arrived_at'
  ) AS arrived_at,
  coalesce(
    nullif(line ->> '$.session_id', ''),
    nullif(line ->> '$.litellm_session_id', ''),
    nullif(line ->> '$.metadata.session_id', ''),
    nullif(line ->> '$.trace_id', ''),
    nullif(line ->> '$.litellm_trace_id', ''),
    line ->> '$.id',
    line ->> '$.request_id'
  ) AS conversation_id,
  coalesce(
    nullif(line ->> '$.end_user', ''),
    nullif(line ->> '$.metadata.user_api_key_end_user_id', ''),
    nullif(line ->> '$.user', ''),
    nullif(line ->> '$.metadata.user_api_key_user_id', '')
  ) AS user_id,
  coalesce(
    line ->> '$.metadata.spend_logs_metadata.route',
    line ->> '$.metadata.requester_metadata.route',
    line ->> '$.metadata.route',
    nullif(regexp_extract(coalesce(line ->> '$.request_tags', ''), '"route[:=]([^"]+)"', 1), ''),
    nullif(line ->> '$.metadata.user_api_key_alias', ''),
    'default'
  ) AS route,
  coalesce(
    line ->> '$.metadata.spend_logs_metadata.prompt_version',
    line ->> '$.metadata.requester_metadata.prompt_version',
    line ->> '$.metadata.prompt_management_metadata.prompt_id'
  ) AS prompt_version,
  coalesce(TRY_CAST(asked AS JSON), to_json(asked)) AS messages,
  CASE WHEN asked IS NULL OR asked IN ('null', '""') THEN 0 ELSE 1 END AS message_count,
  coalesce(
    TRY_CAST(answered AS JSON) ->> '$.choices[0].message.content',
    TRY_CAST(answered AS JSON) ->> '$.choices[0].message.refusal',
    TRY_CAST(answered AS JSON) ->> '$.choices[0].message.tool_calls',
    TRY_CAST(answered AS JSON) ->> '$.choices[0].text',
    nullif(
      array_to_string(
        list_transform(
          from_json(TRY_CAST(answered AS JSON) -> '$.output', '["JSON"]'),
          lambda o: coalesce(
            o ->> '$.content[0].text',
            CASE WHEN (o ->> '$.type') = 'function_call' THEN CAST(o AS VARCHAR) END
          )
        ),
        chr(10)
      ),
      ''
    ),
    TRY_CAST(answered AS JSON) ->> '$.content[0].text',
    TRY_CAST(answered AS JSON) ->> '$.content',
    answered
  ) AS response,
  answered IS NULL AS response_missing,
  coalesce(
    line ->> '$.custom_llm_provider', line ->> '$.error_information.llm_provider'
  ) AS provider,
  coalesce(nullif(line ->> '$.model_group', ''), line ->> '$.model') AS requested_model,
  coalesce(
    line ->> '$.response.model', line ->> '$.hidden_params.litellm_model_name', line ->> '$.model'
  ) AS served_model,
  coalesce(
    line ->> '$.response.choices[0].finish_reason', line ->> '$.response.status'
  ) AS finish_reason,
  coalesce(
    nullif(line ->> '$.error_information.error_class', ''),
    nullif(line ->> '$.metadata.error_information.error_class', ''),
    nullif(line ->> '$.error_information.error_code', ''),
    CASE
      WHEN coalesce(line ->> '$.status', line ->> '$.metadata.status') = 'failure' THEN 'failure'
    END
  ) AS error,
  TRY_CAST(epoch_us(ended_at) - epoch_us(started_at) AS DOUBLE) / 1000000 AS latency_seconds,
  line ->> '$.prompt_tokens' AS input_tokens,
  line ->> '$.completion_tokens' AS output_tokens,
  coalesce(line ->> '$.response_cost', line ->> '$.spend') AS cost_usd,
  coalesce(
    line ->> '$.metadata.spend_logs_metadata.outcome', line ->> '$.metadata.requester_metadata.outcome'
  ) AS outcome,
  coalesce(
    line ->> '$.metadata.spend_logs_metadata.feedback',
    line ->> '$.metadata.requester_metadata.feedback'
  ) AS feedback,
  coalesce(
    line ->> '$.metadata.spend_logs_metadata.escalated',
    line ->> '$.metadata.requester_metadata.escalated'
  ) AS escalated,
  coalesce(
    line -> '$.metadata.spend_logs_metadata', line -> '$.metadata.requester_metadata'
  ) AS attributes,
  coalesce(
    line ->> '$.metadata.spend_logs_metadata', line ->> '$.metadata.requester_metadata'
  ) IS NULL AS attributes_missing,
  line IS NULL OR NOT regexp_matches(CAST(line AS VARCHAR), '^\s*[{]') AS malformed,
  TRUE AS from_json
FROM timed
WHERE NOT regexp_matches(
  call_type,
  'embedding|image|moderation|transcription|speech|rerank|search|batch|file|ocr|video|health'
);
