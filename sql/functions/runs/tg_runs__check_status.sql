-- tg_runs__check_status: refuse a change of status that the state machine does not have. The when clause is read and
-- planned anew for each statement, and so is short: the text is the way of a run through its statuses, and a change
-- that is a part of it is legal; the others are few. After the update, since a trigger before it would lock each row
-- first, and log that.
-- Errors     JQ002 wrong_state.
create or replace function perdure.tg_runs__check_status()
returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if not perdure._run_may_become(old.status, new.status) then
        raise exception using
            errcode = 'JQ002',
            message = format('a run in status %s cannot become %s', old.status, new.status),
            detail = format('run %s', old.id);
    end if;
    return null;
end;
$$;
comment on function perdure.tg_runs__check_status() is 'Refuse illegal changes of a run''s status.';

create or replace trigger tg_runs__check_status
after update of status on perdure.runs
for each row
when (
    old.status <> new.status
    and position(
        old.status || '>' || new.status
        in 'QUEUED>EXECUTING>WAITING_TO_CONTINUE>WAITING_TO_EXECUTE>EXECUTING>WAITING_TO_EXECUTE>EXECUTING>SUCCESS'
    ) = 0
)
execute function perdure.tg_runs__check_status();
