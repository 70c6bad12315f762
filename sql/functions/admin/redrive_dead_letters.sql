-- redrive_dead_letters: let the runs of an environment go on that failed because nobody could execute them, the oldest
-- first: each as by continue_run.
-- Arguments  p_limit  most runs; 1 to 1000.
-- Returns    how many go on. One that somebody else is changing just now is left out.
-- Errors     JQ010 invalid_argument.
-- Locks      the runs in id order, skip locked; then their tasks.
-- Called by  the server, psql.
create or replace function perdure.redrive_dead_letters(p_environment_id uuid, p_limit integer default 500)
returns integer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_run_id uuid;
    v_count integer := 0;
begin
    perform perdure._check_limit('p_limit', p_limit);
    for v_run_id in
        select r.id
        from perdure.dead_letters as d
        inner join perdure.runs as r on r.id = d.run_id
        where d.environment_id = p_environment_id and r.status = 'FAILURE'
        order by d.run_id
        limit p_limit
        for update of r skip locked
    loop
        perform perdure.continue_run(p_environment_id, v_run_id);
        v_count := v_count + 1;
    end loop;
    return v_count;
end;
$$;
comment on function perdure.redrive_dead_letters(uuid, integer) is 'Let runs go on that nobody could execute.';
