-- _callback_timeout: how long a callback is waited for: an hour unless the task says otherwise; null: for ever, or
-- there is none to wait for.
-- Arguments  p_callback  of a TaskRecord: {enabled, timeoutInSeconds?: 0, for ever}.
-- Called by  _new_tasks.
create or replace function perdure._callback_timeout(p_callback json)
returns interval
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return case
        when p_callback ->> 'enabled' = 'true'
            then make_interval(secs => nullif(coalesce((p_callback ->> 'timeoutInSeconds')::double precision, 3600), 0))
    end;
end;
$$;
comment on function perdure._callback_timeout(json) is 'How long a callback is waited for.';
