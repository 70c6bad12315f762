-- _run_source: by which index the runs of a filter are looked for: the one that leaves the fewest.
-- Called by  _search_runs.
create or replace function perdure._run_source(p_filter perdure.run_filter)
returns text
language sql immutable parallel safe
return case
    when p_filter.run_ids is not null then 'run_ids'
    when p_filter.fingerprint is not null then 'fingerprint'
    when p_filter.statuses = '{EXECUTING}' then 'leases'
    when p_filter.statuses <@ perdure._failed_statuses() then 'failures'
    when p_filter.tags is not null then 'tags'
    when p_filter.job_id is not null then 'job'
    else 'environment'
end;
comment on function perdure._run_source(perdure.run_filter) is 'By which index runs are looked for.';
