-- set_run_status: tell people how far a run is. The same key again changes that status; what it was before goes into
-- its history. Said again as it is it changes nothing, so a call may be repeated.
-- Arguments  p_key     the status within the run;
--            p_status  {label?, state?: loading | success | failure, data?: object}; a member that is absent or null
--            keeps its value, and the label of a new status is its key.
-- Returns    the status (StatusRecord).
-- Errors     JQ001 not_found; JQ010 invalid_argument: names the member.
-- Locks      the status.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.set_run_status(p_environment_id uuid, p_run_id uuid, p_key text, p_status json)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_run constant perdure.runs := perdure._find_run(p_environment_id, p_run_id);
    v_status constant json := perdure._shield(p_status);
    v_label text;
    v_state text;
    v_data json;
    v_problem text;
    v_stored perdure.run_statuses;
begin
    v_problem := case
        when octet_length(coalesce(p_key, '')) not between 1 and 1000 then 'p_key must be a text of 1 to 1000 bytes'
        when coalesce(json_typeof(v_status), '') <> 'object'
            then 'p_status must be an object, such as {"label": "Sending", "state": "loading"}'
        when json_typeof(v_status -> 'label') not in ('string', 'null') then 'p_status.label must be a text'
        when v_status ->> 'state' not in ('loading', 'success', 'failure')
            then format('p_status.state must be loading, success or failure, not %L', v_status ->> 'state')
        when json_typeof(v_status -> 'data') not in ('object', 'null') then 'p_status.data must be an object'
    end;
    if v_problem is not null then
        raise exception using errcode = 'JQ010', message = v_problem;
    end if;
    v_label := v_status ->> 'label';
    v_state := v_status ->> 'state';
    v_data := case when json_typeof(v_status -> 'data') = 'object' then perdure._unshield(v_status -> 'data') end;

    insert into perdure.run_statuses as s (run_id, key, label, state, data, created_at, updated_at)
    values (v_run.id, p_key, coalesce(v_label, p_key), v_state, v_data, v_now, v_now)
    on conflict (run_id, key) do update
    set
        label = coalesce(v_label, s.label),
        state = coalesce(v_state, s.state),
        data = coalesce(v_data, s.data),
        -- Put together as text, which holds for any document: a list that is written here only ends with its bracket.
        history = (
            left(s.history::text, -1) || case when s.history::text = '[]' then '' else ',' end
            || perdure._json_object(
                perdure._member('label', to_json(s.label)),
                perdure._member('state', to_json(s.state)),
                perdure._member('data', s.data)
            )::text
            || ']'
        )::json,
        updated_at = v_now
    where
        (s.label, s.state, s.data::text)
        is distinct from (coalesce(v_label, s.label), coalesce(v_state, s.state), coalesce(v_data, s.data)::text);
    select s.* into strict v_stored from perdure.run_statuses as s where s.run_id = v_run.id and s.key = p_key;
    return perdure._run_status_json(v_stored);
end;
$$;
comment on function perdure.set_run_status(uuid, uuid, text, json) is 'Tell people how far a run is.';
