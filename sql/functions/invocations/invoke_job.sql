-- invoke_job: start a run of a job without an event that it listens to, in the job's newest version. The same
-- idempotency key again starts nothing and finds the run that it started, whose end is told to the callback URL again
-- when it has ended.
-- Arguments  p_job              slug; p_payload, p_context  any JSON; null: {};
--            p_options          {accountId?: the end user it is about, callbackUrl?: where the run's end is told,
--            tags?, metadata?: the run's};
--            p_idempotency_key  becomes the id of the event that stands for the invocation; null: a new one.
-- Returns    {id}: the run's.
-- Errors     JQ001 not_found: the environment has no such job; JQ002 wrong_state: the job is disabled there;
--            JQ004 key_conflict: the key is the id of an event that started no run of this job; JQ010 invalid_argument:
--            names the argument.
-- Locks      the event; a run that is met again, shared.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.invoke_job(
    p_environment_id uuid, p_job text, p_payload json default '{}', p_context json default '{}',
    p_options json default '{}', p_idempotency_key text default null
)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_job constant perdure.jobs := perdure._find_job(p_environment_id, p_job);
    v_options constant json := perdure._shield(p_options);
    v_callback_url text;
    v_event_id uuid;
    v_run_id uuid;
begin
    perform perdure._check_invocation(v_options, p_idempotency_key);
    v_callback_url := v_options ->> 'callbackUrl';

    insert into perdure.events (
        id, environment_id, event_id, name, source, payload, payload_type, context, external_account_id, run_tags,
        run_metadata, is_test, happened_at, deliver_at, delivered_at, created_at, updated_at
    )
    values (
        perdure.new_id(), p_environment_id, coalesce(p_idempotency_key, perdure.new_id()::text), 'invoke',
        'trigger.dev', coalesce(p_payload, '{}'), 'JSON', coalesce(p_context, '{}'),
        perdure._upsert_external_account(p_environment_id, v_options ->> 'accountId'),
        perdure._tag_list(v_options -> 'tags'), perdure._first_metadata(v_options -> 'metadata'), false,
        v_now, v_now, v_now, v_now, v_now
    )
    on conflict (environment_id, event_id) do nothing
    returning events.id into v_event_id;

    if v_event_id is not null then
        v_run_id := (perdure._start_runs(array[v_event_id], array[v_job.id]))[1];
        if v_run_id is null then
            raise exception using
                errcode = 'JQ002',
                message = format('job %L is disabled in this environment: its app has switched it off or lost it', p_job);
        end if;
    else
        select r.id into v_run_id
        from perdure.events as e
        inner join perdure.runs as r on r.event_id = e.id and r.job_id = v_job.id
        where e.environment_id = p_environment_id and e.event_id = p_idempotency_key
        order by r.id
        limit 1;
        if v_run_id is null then
            raise exception using
                errcode = 'JQ004',
                message = format(
                    'p_idempotency_key %L is the id of an event that started no run of job %L: take another key',
                    p_idempotency_key, p_job
                );
        end if;
    end if;

    if v_callback_url is not null then
        perform perdure._subscribe_url(v_run_id, v_callback_url);
    end if;
    return json_build_object('id', v_run_id);
end;
$$;
comment on function perdure.invoke_job(uuid, text, json, json, json, text) is 'Start a run of a job directly.';
