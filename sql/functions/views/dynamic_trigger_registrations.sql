-- dynamic_trigger_registrations: the sources attached to dynamic triggers, each with its rule.
create or replace view perdure_views.dynamic_trigger_registrations as
select
    r.id,
    t.environment_id,
    t.slug as dynamic_trigger,
    r.key,
    r.source_id,
    s.active,
    d.source as event_source,
    d.event_names,
    d.payload_filter,
    d.context_filter,
    r.metadata,
    r.created_at,
    r.updated_at
from perdure.dynamic_trigger_registrations as r
inner join perdure.dynamic_triggers as t on t.id = r.dynamic_trigger_id
inner join perdure.sources as s on s.id = r.source_id
inner join perdure.event_dispatchers as d on d.id = r.event_dispatcher_id;
comment on view perdure_views.dynamic_trigger_registrations is 'The sources attached to dynamic triggers.';
