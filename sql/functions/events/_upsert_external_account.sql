-- _upsert_external_account: the row of an app's end user, made when first heard of.
-- Arguments  p_identifier  the app's id of its end user; null: none.
-- Returns    external_accounts.id; null for null.
-- Called by  _store_events, and whoever else takes an account's id.
create or replace function perdure._upsert_external_account(p_environment_id uuid, p_identifier text)
returns uuid
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_id uuid;
begin
    if p_identifier is null then
        return null;
    end if;
    select a.id into v_id
    from perdure.external_accounts as a
    where a.environment_id = p_environment_id and a.identifier = p_identifier;
    if v_id is null then
        insert into perdure.external_accounts (id, environment_id, identifier, created_at)
        values (perdure.new_id(), p_environment_id, p_identifier, perdure.clock())
        on conflict (environment_id, identifier) do nothing;
        select a.id into strict v_id
        from perdure.external_accounts as a
        where a.environment_id = p_environment_id and a.identifier = p_identifier;
    end if;
    return v_id;
end;
$$;
comment on function perdure._upsert_external_account(uuid, text) is 'The row of an app''s end user.';
