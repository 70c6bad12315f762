-- _keep_rightly_queued: of runs that were taken out of a queue, those that belong there; the others are put into the
-- other queue: their app was connected, or got a URL, while they were waiting.
-- Arguments  p_run_ids    in ascending order; null for messages that carry no id;
--            p_connected  the queue was that of connected apps.
-- Returns    ids in ascending order.
-- Called by  _take_ready_runs.
create or replace function perdure._keep_rightly_queued(p_run_ids uuid[], p_connected boolean)
returns uuid[]
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_astray_ids uuid[];
begin
    if not p_connected and not exists (select 1 from perdure.endpoints as p where p.connected) then
        return p_run_ids;
    end if;
    v_astray_ids := array(
        select r.id
        from unnest(p_run_ids) as i (id)
        inner join perdure.runs as r on r.id = i.id
        inner join perdure.endpoints as p on p.id = r.endpoint_id
        where p.connected <> p_connected
    );
    if v_astray_ids = '{}' then
        return p_run_ids;
    end if;
    perform perdure._enqueue_runs(v_astray_ids);
    return array(select i.id from unnest(p_run_ids) as i (id) where i.id <> all(v_astray_ids) order by i.id);
end;
$$;
comment on function perdure._keep_rightly_queued(uuid[], boolean) is 'Put runs into the other queue that belong there.';
