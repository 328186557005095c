-- Grain: one row per logged record of the view `mapped`, in the canonical schema, with the reason why it cannot be sampled.
WITH typed AS (
  SELECT
    CAST(interaction_id AS VARCHAR) AS interaction_id,
    TRY_CAST(occurred_at AS TIMESTAMPTZ) AS occurred_at,
    TRY_CAST(arrived_at AS TIMESTAMPTZ) AS arrived_at,
    CAST(conversation_id AS VARCHAR) AS conversation_id,
    CAST(user_id AS VARCHAR) AS user_id,
    CAST(route AS VARCHAR) AS route,
    CAST(prompt_version AS VARCHAR) AS prompt_version,
    list_transform(
      list_filter(
        from_json(
          CASE
            WHEN messages IS NULL THEN NULL
            WHEN json_type(messages) = 'ARRAY' THEN messages
            WHEN json_type(messages, '$.messages') = 'ARRAY' THEN messages -> '$.messages'
            WHEN (messages -> '$.content') IS NOT NULL THEN json_array(messages)
            ELSE json_array(json_object('role', 'user', 'content', messages))
          END,
          '["JSON"]'
        ),
        lambda m: json_type(m) IN ('OBJECT', 'VARCHAR')
      ),
      lambda m: {
        'role': coalesce(
          m ->> '$.role',
          CASE m ->> '$.type'
            WHEN 'human' THEN 'user'
            WHEN 'ai' THEN 'assistant'
            WHEN 'function_call' THEN 'assistant'
            WHEN 'function_call_output' THEN 'tool'
          END,
          CASE WHEN json_type(m) = 'VARCHAR' THEN 'user' ELSE 'unknown' END
        ),
        'content': coalesce(
          CASE
            WHEN json_type(m) = 'VARCHAR' THEN m ->> '$'
            WHEN json_type(m, '$.content') = 'VARCHAR' THEN m ->> '$.content'
          END,
          -- Content in parts: the texts are kept, images and sounds are named by their type.
          nullif(
            array_to_string(
              list_transform(
                from_json(
                  CASE
                    WHEN json_type(m, '$.content') = 'ARRAY' THEN m -> '$.content'
                    WHEN json_type(m, '$.parts') = 'ARRAY' THEN m -> '$.parts'
                  END,
                  '["JSON"]'
                ),
                lambda p: CASE
                  WHEN json_type(p) = 'VARCHAR' THEN p ->> '$'
                  WHEN json_type(p, '$.text') = 'VARCHAR' THEN p ->> '$.text'
                  WHEN json_type(p, '$.content') = 'VARCHAR' THEN p ->> '$.content'
                  WHEN starts_with(p ->> '$.type', 'tool') THEN CAST(p AS VARCHAR)
                  ELSE '[' || (p ->> '$.type') || ']'
                END
              ),
              chr(10)
            ),
            ''
          ),
          CASE
            WHEN json_type(m, '$.content') NOT IN ('ARRAY', 'NULL')
              THEN CAST(m -> '$.content' AS VARCHAR)
          END,
          m ->> '$.tool_calls',
          m ->> '$.function_call',
          m ->> '$.output',
          CASE WHEN (m ->> '$.type') = 'function_call' THEN CAST(m AS VARCHAR) END,
          ''
        )
      }
    ) AS messages,
    coalesce(message_count, 0) AS message_count,
    CAST(response AS VARCHAR) AS response,
    response_missing,
    CAST(provider AS VARCHAR) AS provider,
    CAST(requested_model AS VARCHAR) AS requested_model,
    CAST(served_model AS VARCHAR) AS served_model,
    CAST(finish_reason AS VARCHAR) AS finish_reason,
    CAST(error AS VARCHAR) AS error,
    TRY_CAST(latency_seconds AS DOUBLE) AS latency_seconds,
    TRY_CAST(input_tokens AS BIGINT) AS input_tokens,
    TRY_CAST(output_tokens AS BIGINT) AS output_tokens,
    TRY_CAST(cost_usd AS DOUBLE) AS cost_usd,
    TRY_CAST(outcome AS DOUBLE) AS outcome,
    TRY_CAST(feedback AS TINYINT) AS feedback,
    TRY_CAST(escalated AS BOOLEAN) AS escalated,
    CASE json_type(attributes)
      WHEN 'OBJECT' THEN list_transform(
        json_keys(attributes),
        lambda k: {
          'key': k,
          'value': json_extract_string(attributes, '/' || replace(replace(k, '~', '~0'), '/', '~1'))
        }
      )
      WHEN 'ARRAY' THEN from_json(attributes, '[{"key": "VARCHAR", "value": "VARCHAR"}]')
    END AS attributes,
    attributes_missing,
    malformed,
    from_json
  FROM mapped
)
SELECT
  interaction_id,
  occurred_at,
  arrived_at,
  conversation_id,
  user_id,
  route,
  prompt_version,
  messages,
  message_count,
  response,
  response_missing,
  provider,
  requested_model,
  served_model,
  finish_reason,
  error,
  -- Not finite is not known. A comparison would be decided by Parquet's statistics, which ignore NaN.
  CASE WHEN latency_seconds - latency_seconds = 0 THEN latency_seconds END AS latency_seconds,
  input_tokens,
  output_tokens,
  CASE WHEN cost_usd - cost_usd = 0 THEN cost_usd END AS cost_usd,
  CASE WHEN outcome - outcome = 0 THEN outcome END AS outcome,
  feedback,
  escalated,
  attributes,
  attributes_missing,
  CASE
    -- A JSON object or list where an id should stand; one in braces, as {9F2A...}, is an id.
    WHEN malformed OR (
      from_json AND (
        interaction_id LIKE '[%' OR interaction_id LIKE '{"%' OR interaction_id = '{}'
        OR conversation_id LIKE '[%' OR conversation_id LIKE '{"%' OR conversation_id = '{}'
        OR route LIKE '[%' OR route LIKE '{"%' OR route = '{}'
      )
    ) THEN 'malformed_line'
    WHEN interaction_id IS NULL OR interaction_id = '' THEN 'missing_interaction_id'
    WHEN conversation_id IS NULL OR conversation_id = '' THEN 'missing_conversation_id'
    WHEN route IS NULL OR route = '' THEN 'missing_route'
    WHEN occurred_at IS NULL THEN 'missing_occurred_at'
    WHEN occurred_at < CAST('2000-01-01 00:00:00+00' AS TIMESTAMPTZ)
      OR occurred_at >= CAST('2100-01-01 00:00:00+00' AS TIMESTAMPTZ) THEN 'implausible_occurred_at'
    WHEN message_count = 0 THEN 'missing_messages'
  END AS reason
FROM typed;
