-- _wanted_options: what a source is to deliver.
-- Arguments  p_source  SourceMetadata: version 2 has options, version 1 a list of events.
-- Returns    {name: [text]}.
create or replace function perdure._wanted_options(p_source jsonb)
returns jsonb
language sql immutable parallel safe
return coalesce(
    nullif(p_source -> 'options', 'null'),
    jsonb_build_object('event', coalesce(nullif(p_source -> 'events', 'null'), '[]'))
);
comment on function perdure._wanted_options(jsonb) is 'What a source is to deliver.';
