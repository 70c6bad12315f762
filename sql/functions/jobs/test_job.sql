-- test_job: start a run of a job with a payload of one's own, in the newest version, as a test: whatever starts the job
-- otherwise, no event is sent to others, and no filter is asked. The app is told that it is a test.
-- Arguments  p_job        slug;
--            p_payload    any JSON: what the event that starts the job would carry; of a job that an HTTP endpoint
--                         starts the request, {url, method, headers, rawBody};
--            p_context    any JSON; p_account_id  the end user it is about; null: none.
-- Returns    {id}: the run's.
-- Errors     JQ001 not_found: the environment has no such job; JQ002 wrong_state: the job is disabled there;
--            JQ010 invalid_argument: names the argument.
-- Called by  the server, psql.
create or replace function perdure.test_job(
    p_environment_id uuid, p_job text, p_payload json default '{}', p_context json default '{}',
    p_account_id text default null
)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_job constant perdure.jobs := perdure._find_job(p_environment_id, p_job);
    v_event_id constant uuid := perdure.new_id();
    v_version perdure.job_versions;
    v_name text;
    v_source text := 'trigger.dev';
    v_source_context json;
    v_run_id uuid;
begin
    perform perdure._check_invocation(
        perdure._json_object(perdure._member('accountId', to_json(p_account_id))), null
    );
    select v.* into strict v_version
    from perdure.environment_jobs as l
    inner join perdure.job_versions as v on v.id = l.latest_version_id
    where l.environment_id = p_environment_id and l.job_id = v_job.id;

    case v_version.trigger ->> 'type'
        when 'static' then
            v_name := case json_typeof(v_version.trigger -> 'rule' -> 'event')
                when 'array' then v_version.trigger -> 'rule' -> 'event' ->> 0
                else v_version.trigger -> 'rule' ->> 'event'
            end;
            v_source := v_version.trigger -> 'rule' ->> 'source';
        when 'scheduled' then
            v_name := 'dev.trigger.scheduled';
            select json_build_object('id', s.key, 'metadata', s.metadata) into v_source_context
            from perdure.schedules as s
            where s.environment_id = p_environment_id and s.job_id = v_job.id;
        when 'dynamic' then
            v_name := case json_typeof(v_version.event_spec -> 'name')
                when 'array' then v_version.event_spec -> 'name' ->> 0
                when 'string' then v_version.event_spec ->> 'name'
                else 'dev.trigger.scheduled'
            end;
            v_source := coalesce(v_version.event_spec ->> 'source', v_source);
        else
            v_name := 'invoke';
    end case;
    insert into perdure.events (
        id, environment_id, event_id, name, source, payload, payload_type, context, external_account_id,
        source_context, is_test, happened_at, deliver_at, delivered_at, created_at, updated_at
    )
    values (
        v_event_id, p_environment_id, v_event_id::text, v_name, v_source, coalesce(p_payload, '{}'),
        case when starts_with(v_name, 'httpendpoint.') then 'REQUEST' else 'JSON' end, coalesce(p_context, '{}'),
        perdure._upsert_external_account(p_environment_id, p_account_id), v_source_context, true, v_now, v_now, v_now,
        v_now, v_now
    );
    v_run_id := (perdure._start_runs(array[v_event_id], array[v_job.id]))[1];
    if v_run_id is null then
        raise exception using
            errcode = 'JQ002',
            message = format('job %L is disabled in this environment: its app has switched it off or lost it', p_job);
    end if;
    return json_build_object('id', v_run_id);
end;
$$;
comment on function perdure.test_job(uuid, text, json, json, text) is 'Start a run of a job as a test.';
