-- sources: webhooks and the like, and whether they are registered; never their secrets.
create or replace view perdure_views.sources as
select
    s.id,
    s.environment_id,
    p.slug as endpoint,
    s.key,
    s.channel,
    s.params,
    s.active,
    (
        select
            json_agg(json_build_object(
                'name', o.name, 'value', o.value, 'wanted', o.wanted, 'registered', o.registered
            ) order by o.name, o.value)
        from perdure.source_options as o
        where o.source_id = s.id
    ) as options,
    s.created_at,
    s.updated_at,
    t.slug as dynamic_trigger,
    a.identifier as account
from perdure.sources as s
inner join perdure.endpoints as p on p.id = s.endpoint_id
left join perdure.dynamic_triggers as t on t.id = s.dynamic_trigger_id
left join perdure.external_accounts as a on a.id = s.external_account_id;
comment on view perdure_views.sources is 'Self-registering sources of events.';
