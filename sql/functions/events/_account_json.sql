-- _account_json: the end user whom an event is about, as EXECUTE_JOB shows it.
-- Called by  _execution_text.
create or replace function perdure._account_json(p_external_account_id uuid)
returns json
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select json_build_object('id', x.identifier, 'metadata', x.metadata)
        from perdure.external_accounts as x
        where x.id = p_external_account_id
    );
end;
$$;
comment on function perdure._account_json(uuid) is 'The end user of an event as the wire shows it.';
