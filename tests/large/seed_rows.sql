insert into perdure.events (
    id, environment_id, event_id, name, source, payload, payload_type, context, is_test, happened_at, deliver_at,
    delivered_at, created_at, updated_at
)
select
    i.event_id, i.environment_id, 'order-' || i.run, i.event_name, 'trigger.dev',
    format(
        '{"order":%%s,"customer":{"email":"customer-%%s@example.com","country":"NL"},"items":[{"sku":"SKU-%%s","count":2}'
        ',{"sku":"SKU-%%s","count":1}],"note":"%%s"}',
        i.run, i.run %% 50000, i.run %% 977, i.run %% 613, i.note
    )::json,
    'JSON', '{}', i.is_test, i.at, i.at, i.at, i.at, i.at
from perdure_large.plan as i
where i.run between %(first)s and %(last)s;

insert into perdure.runs (
    id, environment_id, job_id, job_version_id, endpoint_id, event_id, status, is_test, created_at, updated_at,
    lease_number, execution_count, http_status, duration_ms, started_at, completed_at, due_at, output, dispatcher
)
select
    i.run_id, i.environment_id, i.job_id, i.job_version_id, i.endpoint_id, i.event_id, i.status, i.is_test, i.at, i.at,
    case when i.status = 'QUEUED' then 0 else 1 end,
    case when i.status in ('QUEUED', 'EXECUTING') then 0 else 1 end,
    case when i.status = 'SUCCESS' then 200 end,
    case when i.status in ('QUEUED', 'EXECUTING') then 0 else 50 + i.run %% 900 end,
    case when i.status <> 'QUEUED' then i.at + interval '20 milliseconds' end,
    case when i.status in ('SUCCESS', 'CANCELED', 'FAILURE', 'TIMED_OUT', 'ABORTED') then i.at + interval '1 second' end,
    case when i.status = 'WAITING_TO_EXECUTE' then now() + interval '1 day' end,
    case
        when i.status = 'SUCCESS' then '{"state":"sent","reference":"R-2231"}'
        when i.status in ('FAILURE', 'TIMED_OUT', 'ABORTED')
            then '{"message":"the warehouse did not answer","name":"WarehouseError"}'
    end::json,
    case when i.status <> 'QUEUED' then 'large' end
from perdure_large.plan as i
where i.run between %(first)s and %(last)s;

insert into perdure.tasks (
    id, run_id, idempotency_key, display_key, status, noop, name, icon, params, output, due_at, started_at,
    completed_at, created_at, updated_at
)
select
    (i.first_half || n.digits || i.digits)::uuid, i.run_id, repeat(n.digits || i.digits, 3) || i.digits, n.key,
    t.status, t.status = 'WAITING', n.name, 'send', n.params::json,
    case t.status
        when 'COMPLETED' then '{"ok":true,"reference":"R-2231"}'
        when 'ERRORED' then '{"message":"the warehouse did not answer","name":"WarehouseError"}'
    end::json,
    case when t.status = 'WAITING' then now() + interval '1 day' end,
    i.at, case when t.status in ('COMPLETED', 'ERRORED', 'CANCELED') then i.at end, i.at, i.at
from perdure_large.plan as i
cross join (
    values
    ('8002-', false, 'check', 'Check the stock', '{"warehouse":"north"}'),
    ('8003-', false, 'pay', 'Take the money', '{"amount":1250,"currency":"EUR"}'),
    ('8004-', false, 'pack', 'Pack the boxes', '{"boxes":2}'),
    ('8005-', false, 'wait', 'Wait for the courier', '{"hours":24}'),
    ('8006-', true, 'send', 'Send it', '{"courier":"north"}')
) as n (digits, is_last, key, name, params)
cross join lateral (
    select case
        when not n.is_last then 'COMPLETED'
        when i.status = 'WAITING_TO_CONTINUE' then 'WAITING'
        when i.status = 'EXECUTING' then 'RUNNING'
        when i.status in ('FAILURE', 'ABORTED') then 'ERRORED'
        when i.status in ('CANCELED', 'TIMED_OUT') then 'CANCELED'
        else 'COMPLETED'
    end
) as t (status)
where i.run between %(first)s and %(last)s;

insert into perdure.executions (
    run_id, claimed_at, ended_at, lease_number, duration_ms, http_status, dispatcher, verdict, reply_status
)
select
    i.run_id, i.at, i.at + interval '50 milliseconds', 1, 50, 200, 'large', 'REPLY',
    case i.status
        when 'FAILURE' then 'ERROR'
        when 'WAITING_TO_CONTINUE' then 'RESUME_WITH_TASK'
        else 'YIELD_EXECUTION'
    end
from perdure_large.plan as i
where i.run between %(first)s and %(last)s and i.status not in ('QUEUED', 'EXECUTING', 'SUCCESS');

insert into perdure.run_tags (run_id, tag, environment_id)
select i.run_id, t.tag, i.environment_id
from perdure_large.plan as i
cross join lateral (
    values ('customer:' || i.run %% 50000), ('paid'), (case when i.run %% 10000 = 17 then 'vip' end)
) as t (tag)
where t.tag is not null and i.run %% 10 = 7 and i.run between %(first)s and %(last)s;

insert into perdure.leases (run_id, claimed_at, expires_at, lease_number)
select i.run_id, now(), now() + interval '1 day', 1
from perdure_large.plan as i
where i.status = 'EXECUTING' and i.run between %(first)s and %(last)s;

insert into perdure.run_failures (
    run_id, environment_id, job_id, fingerprint, failed_at, status, error_name, message, task_key
)
select
    i.run_id, i.environment_id, i.job_id, md5(i.job_id || i.status)::uuid, i.at + interval '1 second', i.status,
    'WarehouseError', 'the warehouse did not answer', 'send'
from perdure_large.plan as i
where i.status in ('FAILURE', 'TIMED_OUT', 'ABORTED') and i.run between %(first)s and %(last)s;

insert into perdure.dead_letters (run_id, environment_id, reason, created_at)
select i.run_id, i.environment_id, 'The endpoint did not answer', i.at
from perdure_large.plan as i
where i.status = 'ABORTED' and i.run between %(first)s and %(last)s;

insert into perdure.deliveries (
    id, environment_id, kind, subject_id, endpoint_id, status, request, body, attempt_count, response, http_status,
    duration_ms, created_at, completed_at
)
select
    (i.first_half || '9000-' || i.digits)::uuid, i.environment_id, 'SOURCE_REQUEST', s.id, s.endpoint_id,
    'DELIVERED', '{"url":"https://perdure.test/x","method":"POST","headers":{}}', '{"action":"opened"}', 1,
    '{"status":200}', 200, 40, i.at, i.at
from perdure_large.plan as i
inner join perdure.sources as s on s.environment_id = i.environment_id
where i.run %% 10 = 3 and i.run between %(first)s and %(last)s;

insert into perdure.audit_log (id, organization_id, environment_id, recorded_at, user_email, action, object)
select
    (i.first_half || '9001-' || i.digits)::uuid, p.organization_id, e.id, i.at, 'administrator', 'run.cancel',
    i.run_id::text
from perdure_large.plan as i
inner join perdure.environments as e on e.id = i.environment_id
inner join perdure.projects as p on p.id = e.project_id
where i.run %% 10 = 4 and i.run between %(first)s and %(last)s;

insert into pgmq.q_perdure_ready_runs (vt, message)
select now(), jsonb_build_object('run_id', i.run_id)
from perdure_large.plan as i
where i.status = 'QUEUED' and i.run between %(first)s and %(last)s
order by i.run
