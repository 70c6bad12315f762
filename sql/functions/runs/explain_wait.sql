-- explain_wait: why a run has not ended: what it waits for, or who is executing it.
-- Returns    {reason, sentence: for people, since?, until?, facts}; null: the run has ended. reason:
--            PREPARING     the app is asked for the run's properties: {attempts, lastError};
--            CONNECTIONS   connections are missing: {connections: [{integration, account}]};
--            EXECUTING     {dispatcher, leaseNumber};
--            PAUSED        {scope, name, pausedBy, why};
--            LIMIT         {limit: JOB, GROUP or ENVIRONMENT, name, maxExecutions, used, heldBy: run ids, ahead};
--            QUEUED        {place, inFlight}; NO_DISPATCHER, NOT_CONNECTED  nobody takes it: {place};
--            BACKOFF       an execution is repeated later: {failures, verdict, httpStatus, message};
--            TIMER, RETRY, EVENT, CHILD_RUN, OPERATION, CALLBACK  a task of it: {taskId, task, waitingTasks, …}.
-- Errors     JQ001 not_found.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.explain_wait(p_environment_id uuid, p_run_id uuid)
returns json
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_run constant perdure.runs := perdure._find_run(p_environment_id, p_run_id);
    v_found record;
    v_task perdure.tasks;
    v_tasks integer;
    v_explanation json;
begin
    case
        when v_run.completed_at is not null then
            return null;
        when v_run.status = 'PENDING' then
            select d.attempt_count, d.due_at, d.leased, d.message into v_found
            from perdure.deliveries as d
            where d.subject_id = v_run.id and d.kind = 'PREPROCESS' and d.due_at is not null
            limit 1;
            return perdure._explanation(
                'PREPARING', 'Its app is asked what is to be shown of it before it starts.', v_run.created_at,
                case when not v_found.leased and v_found.attempt_count > 0 then v_found.due_at end,
                json_build_object('attempts', v_found.attempt_count, 'lastError', v_found.message)
            );
        when v_run.status = 'WAITING_ON_CONNECTIONS' then
            select
                json_agg(json_build_object('integration', g.slug, 'account', a.identifier) order by g.slug) as missing,
                string_agg(
                    concat('"', g.title, '"', ' of account "' || a.identifier || '"'), ', ' order by g.slug
                ) as names
            into v_found
            from perdure.missing_connection_runs as n
            inner join perdure.missing_connections as m on m.id = n.missing_connection_id and m.resolved_at is null
            inner join perdure.integrations as g on g.id = m.integration_id
            left join perdure.external_accounts as a on a.id = m.external_account_id
            where n.run_id = v_run.id;
            return perdure._explanation(
                'CONNECTIONS', format('It needs a connection that is missing: %s.', v_found.names), v_run.updated_at,
                null, json_build_object('connections', v_found.missing)
            );
        when v_run.status = 'EXECUTING' then
            select l.claimed_at, l.expires_at, l.lease_number into v_found
            from perdure.leases as l
            where l.run_id = v_run.id;
            return perdure._explanation(
                'EXECUTING', 'Its app is executing it.', v_found.claimed_at, v_found.expires_at,
                json_build_object('dispatcher', v_run.dispatcher, 'leaseNumber', v_found.lease_number)
            );
        when v_run.status = 'WAITING_TO_CONTINUE' then
            select count(*) into v_tasks
            from perdure.tasks as t
            where t.run_id = v_run.id and (t.status = 'WAITING' or (t.status = 'RUNNING' and t.operation is not null));
            select t.* into v_task
            from perdure.tasks as t
            where t.run_id = v_run.id and (t.status = 'WAITING' or (t.status = 'RUNNING' and t.operation is not null))
            order by coalesce(t.due_at, t.callback_timeout_at), t.id
            limit 1;
            v_explanation := perdure._explain_task_wait(v_task);
            return perdure._explanation(
                v_explanation ->> 'reason',
                concat(v_explanation ->> 'sentence', case
                    when v_tasks = 2 then ' 1 other task of it waits, too.'
                    when v_tasks > 2 then format(' %s other tasks of it wait, too.', v_tasks - 1)
                end),
                perdure._to_instant(v_explanation ->> 'since'), perdure._to_instant(v_explanation ->> 'until'),
                ((v_explanation -> 'facts')::jsonb || jsonb_build_object('waitingTasks', v_tasks))::json
            );
        when v_run.due_at is not null then
            select e.verdict, e.reply_status, e.http_status, e.message into v_found
            from perdure.executions as e
            where e.run_id = v_run.id
            order by e.lease_number desc
            limit 1;
            return perdure._explanation(
                'BACKOFF',
                case
                    when v_found.reply_status = 'AUTO_YIELD_RATE_LIMIT'
                        then 'Its app asked to be called later: a rate limit.'
                    when v_run.failure_count > 0
                        then format(
                            'Its last execution got no answer (%s in a row); it is executed again later.',
                            v_run.failure_count
                        )
                    else 'Its executions made no progress; it is executed again later.'
                end,
                v_run.updated_at, v_run.due_at,
                json_build_object(
                    'failures', v_run.failure_count, 'verdict', v_found.verdict, 'httpStatus', v_found.http_status,
                    'message', v_found.message
                )
            );
        else
            return perdure._explain_ready_run(v_run);
    end case;
end;
$$;
comment on function perdure.explain_wait(uuid, uuid) is 'Why a run has not ended.';
