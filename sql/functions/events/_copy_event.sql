-- _copy_event: the same event once more, as that of a run that is run again.
-- Arguments  p_payload  of the copy; null: that of the original.
-- Returns    events.id of the copy; its event_id is that of the original, ':retry:' and milliseconds since 1970.
-- Called by  _rerun_run, _bulk_rerun.
create or replace function perdure._copy_event(p_id uuid, p_payload json)
returns uuid
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_ms bigint := floor(extract(epoch from v_now) * 1000);
    v_copy_id uuid;
begin
    loop
        insert into perdure.events (
            id, environment_id, event_id, name, source, payload, payload_type, context, external_account_id,
            dynamic_source_key, source_context, run_tags, run_metadata, is_test, happened_at, deliver_at, delivered_at,
            created_at, updated_at
        )
        select
            perdure.new_id(), e.environment_id, format('%s:retry:%s', e.event_id, v_ms), e.name, e.source,
            coalesce(p_payload, e.payload), e.payload_type, e.context, e.external_account_id, e.dynamic_source_key,
            e.source_context, e.run_tags, e.run_metadata, e.is_test, e.happened_at, v_now, v_now, v_now, v_now
        from perdure.events as e
        where e.id = p_id
        on conflict (environment_id, event_id) do nothing
        returning events.id into v_copy_id;
        exit when v_copy_id is not null;
        v_ms := v_ms + 1;  -- a run of the same event was run again in this very millisecond
    end loop;
    return v_copy_id;
end;
$$;
comment on function perdure._copy_event(uuid, json) is 'The same event once more.';
