-- _attempt_limit: how often something is sent, as long as the answers are bad ones, before it counts as failed.
-- In development once: the developer is watching. Null: as often as its kind wants it.
-- Called by  _settle_delivery.
create or replace function perdure._attempt_limit(p_kind text, p_environment_type text)
returns integer
language sql immutable parallel safe
return case
    when p_kind = 'FETCH' then null
    when p_kind = 'INDEX' or p_environment_type = 'DEVELOPMENT' then 1
    when p_kind in ('PROBE', 'PREPROCESS') then 3  -- a run waits for the latter
    when p_kind = 'RUN_NOTIFICATION' then 13
    else 14
end;
comment on function perdure._attempt_limit(text, text) is 'How often something is sent before it counts as failed.';
