-- pause_everything: execute nothing any more, in no environment of this database, until resume_everything. Runs that
-- are executing finish their execution; new ones are taken and wait.
-- Arguments  p_paused_by, p_reason  for people.
-- Returns    {pausedAt, pausedBy?, reason?}; as it was when everything is paused already.
-- Called by  administrators.
create or replace function perdure.pause_everything(p_paused_by text default null, p_reason text default null)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return perdure._pause(null, null, null, p_paused_by, p_reason);
end;
$$;
comment on function perdure.pause_everything(text, text) is 'Execute nothing for now.';
