-- _hand_over_runs: give runs that may be executed now to whoever claims in this transaction, as many as it has slots
-- for: they need no message in a queue, which would be taken out again by the next statement. Not while others wait
-- there, which come first.
-- Arguments  p_run_ids    not empty;
--            p_claimants  who claims, as send_and_claim says: {runs}, or the ids of the apps whose connections it has.
-- Returns    the other runs, which are to be queued.
-- Called by  _enqueue_runs.
create or replace function perdure._hand_over_runs(p_run_ids uuid[], p_claimants text[])
returns uuid[]
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_handed_ids constant uuid[] := perdure._handed_over_runs();
    v_slots constant integer := current_setting('perdure.slots')::integer - cardinality(v_handed_ids);
    v_taken_ids uuid[];
begin
    if v_slots <= 0 then
        return p_run_ids;
    end if;
    if p_claimants = '{runs}' then
        v_taken_ids := case
            when exists (select 1 from pgmq.q_perdure_ready_runs) then '{}'
            when not exists (select 1 from perdure.endpoints as p where p.connected) then p_run_ids[:v_slots]
            else array(
                select r.id
                from perdure.runs as r
                inner join perdure.endpoints as p on p.id = r.endpoint_id
                where r.id = any(p_run_ids) and not p.connected
                order by r.id
                limit v_slots
            )
        end;
    else
        v_taken_ids := case
            when exists (
                select 1 from pgmq.q_perdure_connected_runs as q where q.message ->> 'endpoint_id' = any(p_claimants)
            ) then '{}'
            else array(
                select r.id
                from perdure.runs as r
                where r.id = any(p_run_ids) and r.endpoint_id = any(p_claimants::uuid[])
                order by r.id
                limit v_slots
            )
        end;
    end if;
    if v_taken_ids = '{}' then
        return p_run_ids;
    end if;
    perform set_config('perdure.handed_over', (v_handed_ids || v_taken_ids)::text, true);
    if v_taken_ids = p_run_ids then
        return '{}'::uuid[];
    end if;
    return array(
        select i.id
        from unnest(p_run_ids) with ordinality as i (id, ordinal)
        where i.id <> all(v_taken_ids)
        order by i.ordinal
    );
end;
$$;
comment on function perdure._hand_over_runs(uuid[], text[]) is
'Give runs to whoever claims in this transaction.';
