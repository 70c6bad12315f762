-- tg_runs__check_status: refuse a change of status that the state machine does not have. The when clause is
-- evaluated without calling the function, so legal updates pay next to nothing.
-- Errors     JQ002 wrong_state.
create or replace function perdure.tg_runs__check_status()
returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    raise exception using
        errcode = 'JQ002',
        message = format('a run in status %s cannot become %s', old.status, new.status),
        detail = format('run %s', old.id);
end;
$$;
comment on function perdure.tg_runs__check_status() is 'Refuse illegal changes of a run''s status.';

create or replace trigger tg_runs__check_status
before update of status on perdure.runs
for each row
when (old.status <> new.status and not perdure._run_may_become(old.status, new.status))
execute function perdure.tg_runs__check_status();
