-- _lock_configuration: what decides how runs of an environment start is about to change. Such changes come one after
-- the other, so that what the later one notes (_refresh_plain_starts) is of both. An update, not a mere lock: a
-- transaction whose snapshot is older than the other change is told so by a serialization failure.
-- Arguments  p_environment_id  null: of all environments, and of those that are being made.
-- Locks      the environment, or the table against writers.
-- Called by  what calls _refresh_plain_starts, before it locks what it changes.
create or replace function perdure._lock_configuration(p_environment_id uuid)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
    if p_environment_id is null then
        lock table perdure.environments in share row exclusive mode;
    end if;
    update perdure.environments as e
    set updated_at = perdure.clock()
    where e.id = p_environment_id;
end;
$$;
comment on function perdure._lock_configuration(uuid) is 'Changes of how runs start come one after the other.';
