-- get_bulk_action: how far a bulk action is, and what it left as it was.
-- Returns    as _bulk_action_json, and skips: [{runId, reason}], newest run first, at most 100.
-- Errors     JQ001 not_found.
-- Called by  the dashboard, psql.
create or replace function perdure.get_bulk_action(p_environment_id uuid, p_action_id uuid)
returns json
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_action perdure.bulk_actions;
    v_skips json;
begin
    select a.* into v_action
    from perdure.bulk_actions as a
    where a.id = p_action_id and a.environment_id = p_environment_id;
    if not found then
        raise exception using
            errcode = 'JQ001', message = format('there is no bulk action %s in this environment', quote_nullable(p_action_id));
    end if;
    select json_agg(json_build_object('runId', s.run_id, 'reason', s.reason) order by s.run_id desc) into v_skips
    from (
        select x.run_id, x.reason
        from perdure.bulk_action_skips as x
        where x.bulk_action_id = p_action_id
        order by x.run_id desc
        limit 100
    ) as s;
    return (perdure._bulk_action_json(v_action)::jsonb || jsonb_build_object('skips', coalesce(v_skips, '[]')))::json;
end;
$$;
comment on function perdure.get_bulk_action(uuid, uuid) is 'How far a bulk action is.';
