-- _few_events: the events among which those that pass a filter are, where an index knows that they are few: those that
-- are called so, those that are still to be delivered, those of the environment.
-- Arguments  p_filter  as of find_events.
-- Returns    events.id; null: there are more than p_most.
-- Called by  _search_events.
create or replace function perdure._few_events(p_environment_id uuid, p_filter jsonb, p_most integer)
returns uuid[]
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_text constant text := p_filter ->> 'text';
    v_name constant text := case when right(p_filter ->> 'name', 1) <> '*' then p_filter ->> 'name' end;
    v_ids uuid[];
begin
    if v_text is not null then
        v_ids := array(
            select e.id
            from perdure.events as e
            where e.environment_id = p_environment_id and e.event_id = v_text
            union
            select e.id
            from perdure.events as e
            where e.id = perdure._to_uuid(v_text) and e.environment_id = p_environment_id
        );
        if v_ids <> '{}' then
            return v_ids;
        end if;
    end if;
    if v_name is not null then
        v_ids := array(
            select e.id
            from perdure.events as e
            where e.environment_id = p_environment_id and e.name = v_name
            limit p_most + 1
        );
    elsif p_filter ->> 'state' = 'PENDING' then
        v_ids := array(select e.id from perdure.events as e where e.due_at is not null limit p_most + 1);
    else
        v_ids := array(
            select e.id from perdure.events as e where e.environment_id = p_environment_id limit p_most + 1
        );
    end if;
    return case when cardinality(v_ids) <= p_most then v_ids end;
end;
$$;
comment on function perdure._few_events(uuid, jsonb, integer) is 'The events to look among, where they are few.';
