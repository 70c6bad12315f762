-- _slots_for_new_runs: how many of the runs that are started now go to whoever claims in this transaction, as
-- send_and_claim says. They begin as claimed, and need no message in a queue, which would be taken out again by the
-- next statement. None while others wait there, which come first.
-- Arguments  p_claimants  {runs}, or the ids of the apps whose connections the claimant has.
-- Called by  _start_runs.
create or replace function perdure._slots_for_new_runs(p_claimants text[])
returns integer
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    if p_claimants = '{runs}' then
        if exists (select 1 from pgmq.q_perdure_ready_runs) then
            return 0;
        end if;
    elsif exists (
        select 1 from pgmq.q_perdure_connected_runs as q where q.message ->> 'endpoint_id' = any(p_claimants)
    ) then
        return 0;
    end if;
    return current_setting('perdure.slots')::integer - cardinality(perdure._handed_over_runs());
end;
$$;
comment on function perdure._slots_for_new_runs(text[]) is
'How many new runs go to whoever claims in this transaction.';
