-- complete_callback: somebody outside calls back: the task that waits for it is COMPLETED with what the call says,
-- and its run goes on. A call that is late, or comes twice, changes nothing.
-- Arguments  p_secret  from the URL; p_body  the call's body, the task's output.
-- Returns    {success: true}.
-- Errors     JQ001 not_found: no such task, or not with this secret.
-- Locks      the task's run.
-- Called by  the server, without a key: the secret is one.
create or replace function perdure.complete_callback(p_task_id uuid, p_secret text, p_body json)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (
        select 1
        from perdure.tasks as t
        where t.id = p_task_id and substring(t.callback_url from '/callback/([0-9a-f]{24})$') = p_secret
    ) then
        raise exception using errcode = 'JQ001', message = 'there is no such callback';
    end if;
    perform perdure._complete_callbacks(array[p_task_id], array[p_body]);
    return json_build_object('success', true);
end;
$$;
comment on function perdure.complete_callback(uuid, text, json) is 'Somebody outside calls back.';
