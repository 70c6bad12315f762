-- _show_poll_attempt: an answer to a poll, as a task inside it that people see. There may be hundreds of them: of a
-- large body only the length is kept.
-- Called by  _apply_poll.
create or replace function perdure._show_poll_attempt(
    p_task perdure.tasks, p_delivery perdure.deliveries, p_result json
)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_length constant integer := length(p_result ->> 'body');
begin
    insert into perdure.tasks (
        id, run_id, idempotency_key, parent_id, status, noop, name, icon, params, style, started_at, completed_at,
        created_at, updated_at
    )
    values (
        perdure.new_id(), p_task.run_id, format('%s:%s', p_delivery.id, p_delivery.attempt_count), p_task.id, 'COMPLETED',
        true, 'poll attempt', 'activity',
        case p_result ->> 'verdict'
            when 'REPLY' then perdure._json_object(
                perdure._member('status', p_result -> 'httpStatus'),
                perdure._member('headers', perdure._unshield(p_result -> 'headers')),
                perdure._member('body', case
                    when v_length > 50000 then to_json(format('(%s characters)', v_length))
                    else perdure._redact(perdure._unshield(perdure._answer_document(p_result)), p_task.redact)
                end)
            )
            else json_build_object('error', p_result -> 'message')
        end,
        '{"style": "minimal"}', v_now, v_now, v_now, v_now
    );
end;
$$;
comment on function perdure._show_poll_attempt(perdure.tasks, perdure.deliveries, json)
is 'An answer to a poll, as a task.';
