-- list_event_runs: the runs that an event started, oldest first.
-- Arguments  p_limit  most of them; 1 to 1000.
-- Errors     JQ001 not_found: no such event; JQ010 invalid_argument: p_limit is null or out of range.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.list_event_runs(p_environment_id uuid, p_event_id text, p_limit integer default 100)
returns table (
    id uuid, job text, status text, created_at timestamptz, started_at timestamptz, completed_at timestamptz
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_event constant perdure.events := perdure._find_event(p_environment_id, p_event_id);
begin
    perform perdure._check_limit('p_limit', p_limit);
    return query
    select r.id, k.slug, r.status::text, r.created_at, r.started_at, r.completed_at
    from perdure.runs as r
    inner join perdure.jobs as k on k.id = r.job_id
    where r.event_id = v_event.id
    order by r.id
    limit p_limit;
end;
$$;
comment on function perdure.list_event_runs(uuid, text, integer) is 'The runs that an event started.';
