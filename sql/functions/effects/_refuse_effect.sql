-- _refuse_effect: a task's effect cannot be brought about: the task is ERRORED, and its error says why.
-- Arguments  p_sqlstate, p_message  what was raised: JQ001 not_found, JQ002 wrong_state, JQ004 key_conflict, else an
--            invalid argument. Names of arguments become those of the effect's members.
-- Called by  _begin_effects.
create or replace function perdure._refuse_effect(p_task_id uuid, p_sqlstate text, p_message text)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
    update perdure.tasks as t
    set
        status = 'ERRORED',
        output = json_build_object(
            'message', regexp_replace(
                case t.effect
                    when 'invoke' then replace(p_message, 'p_options.', 'effect.')
                    when 'waitForEvent' then replace(p_message, 'p_body', 'effect')
                    else p_message
                end,
                '^p_', 'effect.'
            ),
            'name', case p_sqlstate
                when 'JQ001' then 'NotFound'
                when 'JQ002' then 'WrongState'
                when 'JQ004' then 'KeyConflict'
                else 'InvalidArgument'
            end
        ),
        completed_at = perdure.clock(),
        due_at = null,
        updated_at = perdure.clock()
    where t.id = p_task_id;
end;
$$;
comment on function perdure._refuse_effect(uuid, text, text) is 'A task whose effect cannot be brought about.';
