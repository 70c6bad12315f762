-- find_changed_runs: of many runs that somebody looks at, those that are not as they were. One of which nothing is
-- known is always among them.
-- Arguments  p_environment_ids, p_run_ids, p_digests  one of each for every look; a digest is what was returned with
--            the run the last time, null: nothing is known.
-- Returns    a row for each look that found something new; none for an environment that has no such run.
-- Called by  the server, once a second for all runs that somebody follows.
create or replace function perdure.find_changed_runs(p_environment_ids uuid[], p_run_ids uuid[], p_digests text[])
returns table (environment_id uuid, run_id uuid, digest text, status text, has_ended boolean, state json)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select r.environment_id, r.id, shown.digest, r.status, r.completed_at is not null, shown.state
    from unnest(p_environment_ids, p_run_ids, p_digests) as look (environment_id, run_id, digest)
    inner join perdure.runs as r on r.id = look.run_id and r.environment_id = look.environment_id
    cross join lateral (
        select s.state, left(encode(sha256(convert_to(s.state::text, 'UTF8')), 'hex'), 24) as digest
        from (select perdure._json_object(variadic perdure._run_members(r)) as state) as s
    ) as shown
    where shown.digest is distinct from look.digest;
$$;
comment on function perdure.find_changed_runs(uuid[], uuid[], text[]) is 'Runs that do not look as they did.';
