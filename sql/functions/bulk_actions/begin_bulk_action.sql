-- begin_bulk_action: cancel, rerun or continue many runs: those named, or all that pass a filter and are there now. It
-- is done step by step, by dispatchers; get_bulk_action says how far it is.
-- Arguments  p_kind     CANCEL, RERUN or CONTINUE;
--            p_filter   as _read_run_filter takes it; without status CANCEL takes the runs that have not ended, and
--            CONTINUE those that have failed;
--            p_run_ids  1 to 1000 runs; exactly one of both;
--            p_user_id  who; null: an administrator, in the database.
-- Returns    its id.
-- Errors     JQ001 not_found: no such user; JQ010 invalid_argument: names the argument, or the member of p_filter.
-- Called by  the dashboard, psql.
create or replace function perdure.begin_bulk_action(
    p_environment_id uuid, p_kind text, p_filter jsonb default null, p_run_ids uuid[] default null,
    p_user_id uuid default null
)
returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_id constant uuid := perdure.new_id();
    v_filter constant perdure.run_filter := perdure._read_run_filter(p_environment_id, p_filter);
    v_until_id uuid := least(v_filter.to_id, v_id);
    v_email text := 'administrator';
begin
    if p_kind is null or p_kind not in ('CANCEL', 'RERUN', 'CONTINUE') then
        raise exception using
            errcode = 'JQ010',
            message = format('p_kind must be CANCEL, RERUN or CONTINUE, not %s', quote_nullable(p_kind));
    elsif (p_filter is null) = (p_run_ids is null) then
        raise exception using errcode = 'JQ010', message = 'exactly one of p_filter and p_run_ids must be given';
    elsif cardinality(p_run_ids) not between 1 and 1000 then
        raise exception using
            errcode = 'JQ010', message = format('p_run_ids must be 1 to 1000 runs, not %s', cardinality(p_run_ids));
    end if;
    if p_user_id is not null then
        select u.email into v_email from perdure.users as u where u.id = p_user_id;
        if not found then
            raise exception using errcode = 'JQ001', message = format('there is no user %s', p_user_id);
        end if;
    end if;

    insert into perdure.bulk_actions (
        id, environment_id, user_id, user_email, kind, filter, run_ids, from_id, until_id, searched_to, due_at,
        created_at, updated_at
    )
    values (
        v_id, p_environment_id, p_user_id, v_email, p_kind,
        case
            when p_filter ? 'status' or p_kind = 'RERUN' then p_filter
            else p_filter || jsonb_build_object('status', case p_kind
                when 'CANCEL' then perdure._open_statuses()
                else perdure._failed_statuses()
            end)
        end,
        case when p_run_ids is not null then array(select distinct i.id from unnest(p_run_ids) as i (id)) end,
        greatest(
            v_filter.from_id,
            (
                select r.id
                from perdure.runs as r
                where r.environment_id = p_environment_id
                order by r.environment_id, r.id
                limit 1
            )
        ),
        v_until_id, v_until_id, v_now, v_now, v_now
    );
    perform perdure._notify_dispatchers('due');
    return v_id;
end;
$$;
comment on function perdure.begin_bulk_action(uuid, text, jsonb, uuid[], uuid)
is 'Cancel, rerun or continue many runs.';
