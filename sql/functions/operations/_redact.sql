-- _redact: a task's output, params or error as people may see it: what its redact.paths lead to ("user.token",
-- "users.0.token") is replaced. The v2 SDK means the params, too: those of "Update Source" hold the source's secret.
-- Called by  _run_task_json, _failed_task_json, _show_poll_attempt, perdure_views.tasks, perdure_views.attempts.
create or replace function perdure._redact(p_output json, p_redact json)
returns json
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_output jsonb;
    v_path text;
begin
    if p_output is null or coalesce(json_typeof(p_redact -> 'paths'), 'null') = 'null' then
        return p_output;
    end if;
    v_output := perdure._to_jsonb(p_output);
    for v_path in select e.value from json_array_elements_text(p_redact -> 'paths') as e
    loop
        v_output := jsonb_set(v_output, string_to_array(v_path, '.'), '"[REDACTED]"', false);
    end loop;
    return coalesce(perdure._unshield(v_output::json), '"[REDACTED]"');
exception
    when data_exception then  -- paths that lead nowhere sensible: rather nothing than too much
        return '"[REDACTED]"'::json;
end;
$$;
comment on function perdure._redact(json, json) is 'An output without what is to be hidden.';
