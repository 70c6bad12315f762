-- _endpoint_index_json: the reading of an endpoint as the API shows it.
create or replace function perdure._endpoint_index_json(p_index perdure.endpoint_indexes)
returns json
language sql stable
return perdure._json_object(
    perdure._member('id', to_json((p_index).id)),
    perdure._member('status', to_json((p_index).status)),
    perdure._member('stats', (p_index).stats),
    perdure._member('error', (p_index).error),
    perdure._member('updatedAt', to_json(perdure._iso((p_index).updated_at)))
);
comment on function perdure._endpoint_index_json(perdure.endpoint_indexes)
is 'The reading of an endpoint as the API shows it.';
