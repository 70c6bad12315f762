-- _find_queue: a queue of an environment: the concurrency limit that jobs share by naming the same group.
-- Returns    concurrency_limits.id.
-- Errors     JQ001 not_found.
-- Called by  pause_queue, resume_queue.
create or replace function perdure._find_queue(p_environment_id uuid, p_queue text)
returns uuid
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_id uuid;
begin
    select c.id into v_id
    from perdure.concurrency_limits as c
    where c.environment_id = p_environment_id and c.kind = 'GROUP' and c.name = p_queue;
    if not found then
        raise exception using
            errcode = 'JQ001',
            message = format(
                'there is no queue %s in this environment: jobs make one by a concurrency limit with its id',
                quote_nullable(p_queue)
            );
    end if;
    return v_id;
end;
$$;
comment on function perdure._find_queue(uuid, text) is 'A queue of an environment.';
