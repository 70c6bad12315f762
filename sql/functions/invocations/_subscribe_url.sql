-- _subscribe_url: have it told to a URL how a run ends; at once when it has ended.
-- Locks      the run, shared: it cannot end unseen meanwhile.
-- Called by  invoke_job, _effect_invoke.
create or replace function perdure._subscribe_url(p_run_id uuid, p_url text)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_completed_at timestamptz;
begin
    select r.completed_at into strict v_completed_at from perdure.runs as r where r.id = p_run_id for share;
    insert into perdure.run_subscriptions (run_id, url, on_success, on_failure)
    values (p_run_id, p_url, true, true)
    on conflict (run_id, url) do nothing;
    if v_completed_at is not null then
        perform perdure._notify_run_ends(array[p_run_id], p_url);
    end if;
end;
$$;
comment on function perdure._subscribe_url(uuid, text) is 'Have it told to a URL how a run ends.';
