-- Grain: one row per record of the view `mapped` whose id stands in the frame `wanted`: the line that it came from.
SELECT mapped.raw_line, mapped.record
FROM mapped
SEMI JOIN wanted ON mapped.interaction_id = wanted.interaction_id;
