-- _run_status_json: a status of a run as the wire shows it (StatusRecord).
create or replace function perdure._run_status_json(p_status perdure.run_statuses)
returns json
language sql stable
return perdure._json_object(
    perdure._member('key', to_json((p_status).key)),
    perdure._member('label', to_json((p_status).label)),
    perdure._member('state', to_json((p_status).state)),
    perdure._member('data', (p_status).data),
    perdure._member('history', (p_status).history)
);
comment on function perdure._run_status_json(perdure.run_statuses) is 'A status of a run as the wire shows it.';
