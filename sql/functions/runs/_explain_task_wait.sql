-- _explain_task_wait: what a task waits for, which its run waits for.
-- Returns    as explain_wait, with the task's id and name among the facts.
-- Called by  explain_wait.
create or replace function perdure._explain_task_wait(p_task perdure.tasks)
returns json
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_name constant text := format('"%s"', coalesce(p_task.display_key, p_task.name));
    v_reason text;
    v_sentence text;
    v_until timestamptz := p_task.due_at;
    v_facts jsonb := jsonb_build_object('taskId', p_task.id, 'task', coalesce(p_task.display_key, p_task.name));
    v_found record;
begin
    if p_task.effect = 'waitForEvent' then
        v_reason := 'EVENT';
        select d.event_names, d.source, d.payload_filter, d.context_filter into v_found
        from perdure.event_dispatchers as d
        where d.environment_id = (select r.environment_id from perdure.runs as r where r.id = p_task.run_id)
            and d.url = perdure._task_address(p_task.id);
        v_sentence := format(
            'Task %s waits for an event%s.', v_name,
            ' "' || array_to_string(v_found.event_names, '" or "') || '"'
        );
        v_facts := v_facts || jsonb_build_object(
            'events', v_found.event_names, 'filter', v_found.payload_filter, 'contextFilter', v_found.context_filter
        );
    elsif p_task.effect = 'invoke' then
        v_reason := 'CHILD_RUN';
        select r.id, r.status, k.slug into v_found
        from perdure.runs as r
        inner join perdure.jobs as k on k.id = r.job_id
        where r.id = perdure._to_uuid(p_task.output_properties -> 0 ->> 'text');
        v_sentence := format('Task %s waits for a run of job "%s" that it has started.', v_name, v_found.slug);
        v_facts := v_facts || jsonb_build_object(
            'runId', v_found.id, 'runStatus', v_found.status, 'job', v_found.slug
        );
    elsif p_task.operation is not null then
        v_reason := 'OPERATION';
        select d.attempt_count, d.due_at, d.leased, d.message into v_found
        from perdure.deliveries as d
        where d.subject_id = p_task.id and d.due_at is not null
        order by d.id desc
        limit 1;
        v_until := coalesce(p_task.due_at, case when not v_found.leased then v_found.due_at end);
        v_sentence := format(
            case when p_task.attempt_count > 1 or v_found.attempt_count > 1
                then 'The request of task %s is made again later.'
                else 'The request of task %s is under way.'
            end, v_name
        );
        v_facts := v_facts || jsonb_build_object('attempt', p_task.attempt_count, 'lastError', v_found.message);
    elsif p_task.callback_url is not null then
        v_reason := 'CALLBACK';
        v_until := p_task.callback_timeout_at;
        v_sentence := format('Task %s waits to be called back from outside.', v_name);
    elsif p_task.attempt_count > 1 and not p_task.noop then
        v_reason := 'RETRY';
        v_sentence := format('Task %s failed and is tried again (attempt %s).', v_name, p_task.attempt_count);
        v_facts := v_facts || jsonb_build_object('attempt', p_task.attempt_count, 'lastError', (
            select a.error
            from perdure_views.attempts as a
            where a.task_id = p_task.id and a.number = p_task.attempt_count - 1
        ));
    else
        v_reason := 'TIMER';
        v_sentence := format(
            case when p_task.noop then 'It sleeps: %s.' else 'Task %s begins later.' end, v_name
        );
    end if;
    return perdure._explanation(v_reason, v_sentence, p_task.started_at, v_until, v_facts::json);
end;
$$;
comment on function perdure._explain_task_wait(perdure.tasks) is 'What a task waits for.';
