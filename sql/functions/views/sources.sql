-- sources: webhooks and the like, and whether they are registered; never their secrets. registration says how that
-- went: REGISTERED; PENDING, a run of the app's internal job is about it; FAILED, with registration_problem; OFF,
-- nothing wants it; UNSUPPORTED, of a channel that cannot be registered.
create or replace view perdure_views.sources as
select
    s.id,
    s.environment_id,
    p.slug as endpoint,
    s.key,
    s.channel,
    s.params,
    s.active,
    o.options,
    s.created_at,
    s.updated_at,
    t.slug as dynamic_trigger,
    a.identifier as account,
    case
        when s.channel <> 'HTTP' then 'UNSUPPORTED'
        when s.active and o.is_complete then 'REGISTERED'
        when not s.active and not o.is_wanted then 'OFF'
        when r.completed_at is null and r.run_id is not null then 'PENDING'
        else 'FAILED'
    end as registration,
    r.run_id as registration_run,
    case
        when s.channel <> 'HTTP' or s.active and o.is_complete or not s.active and not o.is_wanted then null
        when r.run_id is null then 'No job of the app registers it'
        when r.completed_at is null then null
        else coalesce(r.message, 'The registration ended without registering it')
    end as registration_problem
from perdure.sources as s
inner join perdure.endpoints as p on p.id = s.endpoint_id
left join perdure.dynamic_triggers as t on t.id = s.dynamic_trigger_id
left join perdure.external_accounts as a on a.id = s.external_account_id
cross join
    lateral (
        select
            json_agg(json_build_object(
                'name', x.name, 'value', x.value, 'wanted', x.wanted, 'registered', x.registered
            ) order by x.name, x.value) as options,
            coalesce(bool_and(x.wanted = x.registered), true) as is_complete,
            coalesce(bool_or(x.wanted), false) as is_wanted
        from perdure.source_options as x
        where x.source_id = s.id
    ) as o
left join lateral (
    select
        x.id as run_id,
        x.completed_at,
        f.message
    from perdure.runs as x
    left join perdure.run_failures as f on f.run_id = x.id
    where x.event_id = s.registration_event_id
    order by x.id desc
    limit 1
) as r on true;
comment on view perdure_views.sources is 'Self-registering sources of events.';
