-- Grain: one row per GenAI span of the view `spans` (see otel_spans.sql) that called a model for text; other spans are no interactions.
-- Attribute names: the GenAI semantic conventions, then older ones, then OpenLLMetry's, then OpenInference's.
WITH calls AS (
  SELECT
    span,
    attributes,
    events,
    service_name,
    coalesce(span ->> '$.traceId', span ->> '$.trace_id', span ->> '$.context.trace_id')
      AS trace_id,
    coalesce(span ->> '$.spanId', span ->> '$.span_id', span ->> '$.context.span_id') AS span_id,
    coalesce(span ->> '$.startTimeUnixNano', span ->> '$.start_time_unix_nano') AS start_nanos,
    coalesce(span ->> '$.endTimeUnixNano', span ->> '$.end_time_unix_nano') AS end_nanos,
    TRY_CAST(coalesce(span ->> '$.start_time', span ->> '$.startTime') AS TIMESTAMPTZ) AS started_at,
    TRY_CAST(coalesce(span ->> '$.end_time', span ->> '$.endTime') AS TIMESTAMPTZ) AS ended_at,
    coalesce(
      attributes ->> '$."gen_ai.provider.name"',
      attributes ->> '$."gen_ai.system"',
      attributes ->> '$."llm.provider"',
      attributes ->> '$."llm.system"'
    ) AS provider,
    coalesce(
      attributes ->> '$."gen_ai.request.model"',
      attributes ->> '$."llm.request.model"',
      attributes ->> '$."llm.model_name"'
    ) AS requested_model,
    lower(
      coalesce(
        attributes ->> '$."gen_ai.operation.name"',
        attributes ->> '$."openinference.span.kind"',
        attributes ->> '$."llm.request.type"'
      )
    ) AS operation
  FROM spans
)
SELECT
  coalesce(trace_id || ':', '') || span_id AS interaction_id,
  coalesce(
    CASE
      WHEN TRY_CAST(start_nanos AS BIGINT) BETWEEN 0 AND 4102444800000000000
        THEN make_timestamp(TRY_CAST(start_nanos AS BIGINT) // 1000)
    END,
    started_at
  ) AS occurred_at,
  coalesce(
    attributes ->> '$."arrived_at"', span ->> '$.arrived_at', span ->> '$.ingested_at'
  ) AS arrived_at,
  coalesce(
    attributes ->> '$."gen_ai.conversation.id"',
    attributes ->> '$."session.id"',
    attributes ->> '$."traceloop.association.properties.conversation_id"',
    attributes ->> '$."traceloop.association.properties.session_id"',
    trace_id
  ) AS conversation_id,
  coalesce(
    attributes ->> '$."user.id"',
    attributes ->> '$."enduser.id"',
    attributes ->> '$."traceloop.association.properties.user_id"',
    attributes ->> '$."llm.user"'
  ) AS user_id,
  coalesce(
    attributes ->> '$."route"',
    attributes ->> '$."http.route"',
    attributes ->> '$."gen_ai.agent.name"',
    attributes ->> '$."traceloop.workflow.name"',
    service_name,
    'default'
  ) AS route,
  coalesce(
    attributes ->> '$."prompt_version"',
    attributes ->> '$."gen_ai.prompt.version"',
    attributes ->> '$."llm.prompt_template.version"',
    attributes ->> '$."traceloop.prompt.version"'
  ) AS prompt_version,
  to_json(
    list_concat(
      CASE
        WHEN (attributes ->> '$."gen_ai.system_instructions"') IS NOT NULL THEN [
          json_object(
            'role', 'system',
            'content', coalesce(
              TRY_CAST((attributes ->> '$."gen_ai.system_instructions"') AS JSON),
              attributes -> '$."gen_ai.system_instructions"'
            )
          )
        ]
      END,
      coalesce(
        from_json(
          TRY_CAST((attributes ->> '$."gen_ai.input.messages"') AS JSON), '["JSON"]'
        ),
        nullif(
          list_transform(
            list_sort(
              list_distinct(
                list_filter(
                  list_transform(
                    json_keys(attributes),
                    lambda k: TRY_CAST(
                      regexp_extract(k, '^gen_ai\.prompt\.(\d+)\.(role|content)$', 1) AS INTEGER
                    )
                  ),
                  lambda n: n IS NOT NULL
                )
              )
            ),
            lambda n: json_object(
              'role', json_extract_string(attributes, '/gen_ai.prompt.' || n || '.role'),
              'content', json_extract_string(attributes, '/gen_ai.prompt.' || n || '.content')
            )
          ),
          []
        ),
        nullif(
          list_transform(
            list_sort(
              list_distinct(
                list_filter(
                  list_transform(
                    json_keys(attributes),
                    lambda k: TRY_CAST(
                      regexp_extract(k, '^llm\.input_messages\.(\d+)\.message\.', 1) AS INTEGER
                    )
                  ),
                  lambda n: n IS NOT NULL
                )
              )
            ),
            lambda n: json_object(
              'role',
              json_extract_string(attributes, '/llm.input_messages.' || n || '.message.role'),
              'content',
              coalesce(
                json_extract_string(attributes, '/llm.input_messages.' || n || '.message.content'),
                json_extract_string(
                  attributes,
                  '/llm.input_messages.' || n || '.message.contents.0.message_content.text'
                )
              )
            )
          ),
          []
        ),
        from_json(
          TRY_CAST(
            coalesce(
              attributes ->> '$."gen_ai.prompt"',
              list_filter(events, lambda e: e.name = 'gen_ai.content.prompt')[1].attributes
                ->> '$."gen_ai.prompt"'
            ) AS JSON
          ),
          '["JSON"]'
        ),
        from_json(
          TRY_CAST(
            (
              list_filter(
                events, lambda e: e.name = 'gen_ai.client.inference.operation.details'
              )[1].attributes ->> '$."gen_ai.input.messages"'
            ) AS JSON
          ),
          '["JSON"]'
        ),
        nullif(
          list_transform(
            list_filter(
              events, lambda e: regexp_matches(e.name, '^gen_ai\.(system|user|assistant|tool)\.message$')
            ),
            lambda e: json_object(
              'role', regexp_extract(e.name, '^gen_ai\.(\w+)\.message$', 1),
              'content', e.attributes ->> '$.content'
            )
          ),
          []
        ),
        [
          json_object(
            'role', 'user',
            'content', coalesce(
              attributes ->> '$."gen_ai.prompt"',
              list_filter(events, lambda e: e.name = 'gen_ai.content.prompt')[1].attributes
                ->> '$."gen_ai.prompt"',
              attributes ->> '$."input.value"'
            )
          )
        ]
      )
    )
  ) AS messages,
  CASE
    WHEN coalesce(
      nullif(attributes ->> '$."gen_ai.input.messages"', '[]'),
      attributes ->> '$."gen_ai.prompt.0.content"',
      attributes ->> '$."gen_ai.prompt.1.content"',
      attributes ->> '$."llm.input_messages.0.message.content"',
      attributes ->> '$."llm.input_messages.0.message.contents.0.message_content.text"',
      attributes ->> '$."llm.input_messages.1.message.content"',
      attributes ->> '$."gen_ai.prompt"',
      attributes ->> '$."input.value"',
      ''
    ) <> '' THEN 1
    WHEN (span ->> '$.events') LIKE '%"gen_ai.user.message"%' THEN 1
    WHEN (span ->> '$.events') LIKE '%"gen_ai.content.prompt"%' THEN 1
    WHEN (span ->> '$.events') LIKE '%"gen_ai.input.messages"%' THEN 1
    ELSE 0
  END AS message_count,
  coalesce(
    array_to_string(
      list_transform(
        from_json(
          TRY_CAST(
            coalesce(
              attributes ->> '$."gen_ai.output.messages"',
              list_filter(
                events, lambda e: e.name = 'gen_ai.client.inference.operation.details'
              )[1].attributes ->> '$."gen_ai.output.messages"'
            ) AS JSON
          ) -> '$[0].parts',
          '["JSON"]'
        ),
        lambda p: CASE
          WHEN json_type(p, '$.content') = 'VARCHAR' THEN p ->> '$.content'
          WHEN starts_with(p ->> '$.type', 'tool') THEN CAST(p AS VARCHAR)
          ELSE '[' || (p ->> '$.type') || ']'
        END
      ),
      chr(10)
    ),
    TRY_CAST((attributes ->> '$."gen_ai.output.messages"') AS JSON) ->> '$[0].content',
    attributes ->> '$."gen_ai.completion.0.content"',
    attributes ->> '$."gen_ai.completion.0.tool_calls.0.name"',
    attributes ->> '$."llm.output_messages.0.message.content"',
    attributes ->> '$."llm.output_messages.0.message.contents.0.message_content.text"',
    TRY_CAST((attributes ->> '$."gen_ai.completion"') AS JSON) ->> '$[0].content',
    TRY_CAST((attributes ->> '$."gen_ai.completion"') AS JSON) ->> '$.content',
    attributes ->> '$."gen_ai.completion"',
    TRY_CAST(
      (
        list_filter(events, lambda e: e.name = 'gen_ai.choice')[1].attributes ->> '$.message'
      ) AS JSON
    ) ->> '$.content',
    list_filter(events, lambda e: e.name = 'gen_ai.choice')[1].attributes ->> '$.content',
    TRY_CAST(
      (
        list_filter(events, lambda e: e.name = 'gen_ai.content.completion')[1].attributes
          ->> '$."gen_ai.completion"'
      ) AS JSON
    ) ->> '$[0].content',
    list_filter(events, lambda e: e.name = 'gen_ai.content.completion')[1].attributes
      ->> '$."gen_ai.completion"',
    attributes ->> '$."output.value"'
  ) AS response,
  coalesce(
    attributes ->> '$."gen_ai.output.messages"',
    attributes ->> '$."gen_ai.completion.0.content"',
    attributes ->> '$."gen_ai.completion.0.tool_calls.0.name"',
    attributes ->> '$."llm.output_messages.0.message.content"',
    attributes ->> '$."llm.output_messages.0.message.contents.0.message_content.text"',
    attributes ->> '$."gen_ai.completion"',
    attributes ->> '$."output.value"'
  ) IS NULL
  AND coalesce(span ->> '$.events', '') NOT LIKE '%"gen_ai.choice"%'
  AND coalesce(span ->> '$.events', '') NOT LIKE '%"gen_ai.content.completion"%'
  AND coalesce(span ->> '$.events', '') NOT LIKE '%"gen_ai.output.messages"%' AS response_missing,
  provider,
  requested_model,
  coalesce(
    attributes ->> '$."gen_ai.response.model"',
    attributes ->> '$."llm.response.model"'
  ) AS served_model,
  coalesce(
    attributes ->> '$."gen_ai.response.finish_reasons"[0]',
    attributes ->> '$."gen_ai.completion.0.finish_reason"',
    attributes ->> '$."llm.finish_reason"',
    attributes ->> '$."llm.response.finish_reason"'
  ) AS finish_reason,
  coalesce(
    attributes ->> '$."error.type"',
    CASE
      WHEN coalesce(span ->> '$.status.code', span ->> '$.status.status_code')
        IN ('2', 'STATUS_CODE_ERROR', 'ERROR') THEN 'error'
    END
  ) AS error,
  coalesce(
    TRY_CAST(TRY_CAST(end_nanos AS BIGINT) - TRY_CAST(start_nanos AS BIGINT) AS DOUBLE)
      / 1000000000,
    TRY_CAST(epoch_us(ended_at) - epoch_us(started_at) AS DOUBLE) / 1000000
  ) AS latency_seconds,
  coalesce(
    attributes ->> '$."gen_ai.usage.input_tokens"',
    attributes ->> '$."gen_ai.usage.prompt_tokens"',
    attributes ->> '$."llm.usage.prompt_tokens"',
    attributes ->> '$."llm.token_count.prompt"'
  ) AS input_tokens,
  coalesce(
    attributes ->> '$."gen_ai.usage.output_tokens"',
    attributes ->> '$."gen_ai.usage.completion_tokens"',
    attributes ->> '$."llm.usage.completion_tokens"',
    attributes ->> '$."llm.token_count.completion"'
  ) AS output_tokens,
  coalesce(
    attributes ->> '$."gen_ai.usage.cost"', attributes ->> '$."llm.cost.total"'
  ) AS cost_usd,
  attributes ->> '$."outcome"' AS outcome,
  attributes ->> '$."feedback"' AS feedback,
  attributes ->> '$."escalated"' AS escalated,
  to_json(
    list_transform(
      list_filter(
        json_keys(attributes), lambda k: regexp_matches(k, '^(app|feature|tag|tags)\.')
      ),
      lambda k: {
        'key': k,
        'value': json_extract_string(attributes, '/' || replace(replace(k, '~', '~0'), '/', '~1'))
      }
    )
  ) AS attributes,
  span IS NULL AS attributes_missing,
  span IS NULL AS malformed,
  TRUE AS from_json
FROM calls
WHERE span IS NULL
  OR operation IN ('chat', 'text_completion', 'generate_content', 'completion', 'llm')
  OR (operation IS NULL AND provider IS NOT NULL AND requested_model IS NOT NULL);
