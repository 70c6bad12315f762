-- _handed_over_runs: the runs that this transaction has started for whoever claims in it: see _slots_for_new_runs.
-- Returns    in ascending order; empty: none.
-- Called by  _slots_for_new_runs, _start_runs, claim_runs.
create or replace function perdure._handed_over_runs()
returns uuid[]
language sql stable
return coalesce(nullif(current_setting('perdure.handed_over', true), ''), '{}')::uuid[];
comment on function perdure._handed_over_runs() is 'Runs that are started and claimed in one transaction.';
