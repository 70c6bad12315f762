-- _source_json: a source as its registration job is told of it.
create or replace function perdure._source_json(p_source perdure.sources, p_public_url text)
returns json
language sql stable
return perdure._json_object(
    perdure._member('key', to_json((p_source).key)),
    perdure._member('active', to_json((p_source).active)),
    perdure._member('secret', to_json((p_source).secret)),
    perdure._member('data', (p_source).data),
    perdure._member('params', (p_source).params),
    perdure._member('channel', json_build_object(
        'type', (p_source).channel, 'url', p_public_url || '/api/v1/sources/http/' || (p_source).id
    )),
    perdure._member('clientId', (p_source).integration -> 'id')
);
comment on function perdure._source_json(perdure.sources, text) is 'A source as its registration job is told of it.';
