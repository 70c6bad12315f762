-- _refresh_plain_starts: note with each name of a subscription what its runs begin with (_plain_starts), so that an
-- event finds it there.
-- Arguments  p_environment_id  null: of all environments.
-- Called by  whatever changes what decides it, at its end, after _lock_configuration: index_endpoint,
--            set_concurrency_limit, set_job_concurrency_limit, _pause, _resume.
create or replace function perdure._refresh_plain_starts(p_environment_id uuid)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
    update perdure.event_dispatcher_names as n
    set plain_start = s.plain_start
    from perdure._plain_starts(p_environment_id) as s
    where
        n.event_dispatcher_id = s.event_dispatcher_id and n.event_name = s.event_name
        and s.noted is distinct from s.plain_start;
end;
$$;
comment on function perdure._refresh_plain_starts(uuid) is 'Note what runs begin with that need no closer look.';
