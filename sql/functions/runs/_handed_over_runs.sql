-- _handed_over_runs: the runs that this transaction has started and that are claimed in it: see _hand_over_runs.
-- Returns    empty: none.
-- Called by  _hand_over_runs, claim_runs.
create or replace function perdure._handed_over_runs()
returns uuid[]
language sql stable
return coalesce(nullif(current_setting('perdure.handed_over', true), ''), '{}')::uuid[];
comment on function perdure._handed_over_runs() is 'Runs that are started and claimed in one transaction.';
