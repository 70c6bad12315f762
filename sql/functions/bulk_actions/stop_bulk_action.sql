-- stop_bulk_action: let a bulk action go no further. What it has done stays done. Stopping a stopped one changes
-- nothing.
-- Errors     JQ001 not_found; JQ003 already_finished: it has come to its end.
-- Called by  the dashboard, psql.
create or replace function perdure.stop_bulk_action(p_environment_id uuid, p_action_id uuid)
returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_status text;
begin
    select a.status into v_status
    from perdure.bulk_actions as a
    where a.id = p_action_id and a.environment_id = p_environment_id
    for update;
    if not found then
        raise exception using
            errcode = 'JQ001', message = format('there is no bulk action %s in this environment', quote_nullable(p_action_id));
    elsif v_status in ('COMPLETED', 'FAILED') then
        raise exception using errcode = 'JQ003', message = 'this bulk action has already ended';
    end if;
    update perdure.bulk_actions as a
    set status = 'STOPPED', due_at = null, completed_at = v_now, updated_at = v_now
    where a.id = p_action_id and a.status = 'RUNNING';
end;
$$;
comment on function perdure.stop_bulk_action(uuid, uuid) is 'Let a bulk action go no further.';
