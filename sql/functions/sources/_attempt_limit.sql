-- _attempt_limit: how often a provider's request is handed to the app's handler before it counts as failed. In
-- development once: the developer is watching.
-- Called by  _finish_delivery, claim_deliveries.
create or replace function perdure._attempt_limit(p_environment_type text)
returns integer
language sql immutable parallel safe
return case p_environment_type when 'DEVELOPMENT' then 1 else 14 end;
comment on function perdure._attempt_limit(text) is 'How often a provider''s request is handed to a handler.';
