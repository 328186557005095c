-- Grain: one row per span of the view `lines`, its attributes as one flat JSON object; a line that holds no span data has one row whose span is null.
-- OTLP/JSON lines (resourceSpans, scopeSpans, spans; attributes as a list of keys and typed values) and one flat span a line.
WITH resources AS (
  SELECT
    unnest(
      CASE
        WHEN json_type(line, '$.resourceSpans') = 'ARRAY'
          THEN from_json(line -> '$.resourceSpans', '["JSON"]')
        WHEN (line -> '$.resourceMetrics') IS NOT NULL OR (line -> '$.resourceLogs') IS NOT NULL
          THEN []
        ELSE [line]
      END
    ) AS resource
  FROM lines
),
scopes AS (
  SELECT
    coalesce(resource -> '$.resource.attributes', resource -> '$.resource') AS resource_attributes,
    unnest(
      CASE
        WHEN json_type(resource, '$.scopeSpans') = 'ARRAY'
          THEN from_json(resource -> '$.scopeSpans', '["JSON"]')
        WHEN json_type(resource, '$.instrumentationLibrarySpans') = 'ARRAY'
          THEN from_json(resource -> '$.instrumentationLibrarySpans', '["JSON"]')
        ELSE [resource]
      END
    ) AS scope
  FROM resources
),
spans AS (
  SELECT
    resource_attributes,
    unnest(
      CASE
        WHEN json_type(scope, '$.spans') = 'ARRAY' THEN from_json(scope -> '$.spans', '["JSON"]')
        ELSE [scope]
      END
    ) AS span
  FROM scopes
),
known AS (
  SELECT
    resource_attributes,
    CASE
      WHEN coalesce(span ->> '$.spanId', span ->> '$.span_id', span ->> '$.context.span_id')
        IS NOT NULL THEN span
    END AS span
  FROM spans
)
SELECT
  span,
  CASE json_type(span, '$.attributes')
    WHEN 'OBJECT' THEN span -> '$.attributes'
    WHEN 'ARRAY' THEN TRY_CAST(
      '{' || array_to_string(
        list_transform(
          list_filter(
            from_json(span -> '$.attributes', '[{"key": "VARCHAR", "value": "JSON"}]'),
            lambda a: a.key IS NOT NULL
          ),
          lambda a: CAST(to_json(a.key) AS VARCHAR) || ':' || CAST(
            coalesce(
              a.value -> '$.stringValue', a.value -> '$.intValue', a.value -> '$.doubleValue',
              a.value -> '$.boolValue',
              to_json(
                list_transform(
                  from_json(a.value -> '$.arrayValue.values', '["JSON"]'),
                  lambda w: coalesce(
                    w -> '$.stringValue', w -> '$.intValue', w -> '$.doubleValue',
                    w -> '$.boolValue', w
                  )
                )
              ),
              a.value -> '$.kvlistValue', CAST('null' AS JSON)
            ) AS VARCHAR
          )
        ),
        ','
      ) || '}' AS JSON
    )
  END AS attributes,
  list_transform(
    CASE WHEN json_type(span, '$.events') = 'ARRAY' THEN from_json(span -> '$.events', '["JSON"]') END,
    lambda e: {
      'name': e ->> '$.name',
      'attributes': CASE json_type(e, '$.attributes')
        WHEN 'OBJECT' THEN e -> '$.attributes'
        WHEN 'ARRAY' THEN TRY_CAST(
          '{' || array_to_string(
            list_transform(
              list_filter(
                from_json(e -> '$.attributes', '[{"key": "VARCHAR", "value": "JSON"}]'),
                lambda a: a.key IS NOT NULL
              ),
              lambda a: CAST(to_json(a.key) AS VARCHAR) || ':' || CAST(
                coalesce(a.value -> '$.stringValue', a.value -> '$.intValue', CAST('null' AS JSON))
                AS VARCHAR
              )
            ),
            ','
          ) || '}' AS JSON
        )
      END
    }
  ) AS events,
  CASE json_type(resource_attributes)
    WHEN 'OBJECT' THEN resource_attributes ->> '$."service.name"'
    WHEN 'ARRAY' THEN list_filter(
      from_json(resource_attributes, '[{"key": "VARCHAR", "value": "JSON"}]'),
      lambda a: a.key = 'service.name'
    )[1].value ->> '$.stringValue'
  END AS service_name
FROM known;
