-- list_job_payloads: what a job was started with lately, for who tests it: as perdure_views.events shows it, without
-- secrets. Looks at the newest 200 runs of the job, in all environments; payloads above 50,000 bytes are left out.
-- Arguments  p_job  slug; p_limit  most.
-- Returns    a row for each run, newest first.
-- Errors     JQ001 not_found: the environment has no such job; JQ010 invalid_argument: p_limit.
-- Called by  the server, psql.
create or replace function perdure.list_job_payloads(
    p_environment_id uuid, p_job text, p_limit integer default 5
)
returns table (run_id uuid, created_at timestamptz, event_name text, is_test boolean, payload json, context json)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    v_job constant perdure.jobs := perdure._find_job(p_environment_id, p_job);
begin
    perform perdure._check_limit('p_limit', p_limit);
    return query
    select r.id, r.created_at, e.name, e.is_test, e.payload, e.context
    from (
        select x.id, x.event_id, x.environment_id, x.created_at
        from perdure.runs as x
        where x.job_id = v_job.id
        order by x.id desc
        limit 200
    ) as r
    -- limit keeps this a look-up by index for each, whatever the planner thinks of how few there are.
    cross join lateral (select y.* from perdure_views.events as y where y.id = r.event_id limit 1) as e
    where r.environment_id = p_environment_id and octet_length(e.payload::text) <= 50000
    order by r.id desc
    limit p_limit;
end;
$$;
comment on function perdure.list_job_payloads(uuid, text, integer) is 'What a job was started with lately.';
