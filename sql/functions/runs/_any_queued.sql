-- _any_queued: does somebody wait in the queue that dispatchers serve, or in that of these connected apps?
-- Arguments  p_endpoint_ids  as claim_runs.
-- Called by  send_and_claim.
create or replace function perdure._any_queued(p_endpoint_ids uuid[])
returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    if p_endpoint_ids is null then
        return exists (select 1 from pgmq.q_perdure_ready_runs);
    end if;
    return exists (
        select 1
        from pgmq.q_perdure_connected_runs as q
        where q.message ->> 'endpoint_id' = any(p_endpoint_ids::text[])
    );
end;
$$;
comment on function perdure._any_queued(uuid[]) is 'Does somebody wait in the queue?';
