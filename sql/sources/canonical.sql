-- Grain: one row per logged record of the view `mapped`, in the canonical schema, with the reason why it cannot be sampled.
WITH typed AS NOT MATERIALIZED (
  SELECT
    CAST(interaction_id AS VARCHAR) AS interaction_id,
    TRY_CAST(occurred_at AS TIMESTAMPTZ) AS occurred_at,
    CAST(conversation_id AS VARCHAR) AS conversation_id,
    CAST(user_id AS VARCHAR) AS user_id,
    CAST(route AS VARCHAR) AS route,
    CAST(prompt_version AS VARCHAR) AS prompt_version,
    list_transform(
      list_filter(
        from_json(messages, '[{"role": "VARCHAR", "content": "JSON", "tool_calls": "JSON"}]'),
        lambda m: m IS NOT NULL
      ),
      lambda m: {
        'role': coalesce(m.role, 'unknown'),
        'content': coalesce(
          CASE json_type(m.content)
            WHEN 'VARCHAR' THEN m.content ->> '$'
            -- Content in parts: the texts are kept, images and sounds are named by their type.
            WHEN 'ARRAY' THEN array_to_string(
              list_transform(
                from_json(m.content, '[{"type": "VARCHAR", "text": "VARCHAR"}]'),
                lambda p: coalesce(p.text, '[' || p.type || ']')
              ),
              chr(10)
            )
            WHEN 'NULL' THEN NULL
            ELSE CAST(m.content AS VARCHAR)
          END,
          nullif(CAST(m.tool_calls AS VARCHAR), 'null'),
          ''
        )
      }
    ) AS messages,
    message_count,
    CAST(response AS VARCHAR) AS response,
    CAST(provider AS VARCHAR) AS provider,
    CAST(requested_model AS VARCHAR) AS requested_model,
    CAST(served_model AS VARCHAR) AS served_model,
    CAST(finish_reason AS VARCHAR) AS finish_reason,
    CAST(error AS VARCHAR) AS error,
    CASE
      WHEN isfinite(TRY_CAST(latency_seconds AS DOUBLE)) THEN TRY_CAST(latency_seconds AS DOUBLE)
    END AS latency_seconds,
    TRY_CAST(input_tokens AS BIGINT) AS input_tokens,
    TRY_CAST(output_tokens AS BIGINT) AS output_tokens,
    CASE
      WHEN isfinite(TRY_CAST(cost_usd AS DOUBLE)) THEN TRY_CAST(cost_usd AS DOUBLE)
    END AS cost_usd,
    CASE
      WHEN isfinite(TRY_CAST(outcome AS DOUBLE)) THEN TRY_CAST(outcome AS DOUBLE)
    END AS outcome,
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
    malformed
  FROM mapped
)
SELECT
  *,
  CASE
    WHEN malformed THEN 'malformed_line'
    WHEN interaction_id IS NULL OR interaction_id = '' THEN 'missing_interaction_id'
    WHEN conversation_id IS NULL OR conversation_id = '' THEN 'missing_conversation_id'
    WHEN route IS NULL OR route = '' THEN 'missing_route'
    WHEN occurred_at IS NULL THEN 'missing_occurred_at'
    WHEN coalesce(message_count, 0) = 0 THEN 'missing_messages'
  END AS reason
FROM typed;
