-- _find_run: a run of an environment.
-- Errors     JQ001 not_found, also for another environment's run.
create or replace function perdure._find_run(p_environment_id uuid, p_run_id uuid)
returns perdure.runs
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_run perdure.runs;
begin
    select r.* into v_run from perdure.runs as r where r.id = p_run_id and r.environment_id = p_environment_id;
    if not found then
        raise exception using
            errcode = 'JQ001', message = format('there is no run %s in this environment', quote_nullable(p_run_id));
    end if;
    return v_run;
end;
$$;
comment on function perdure._find_run(uuid, uuid) is 'A run of an environment.';
