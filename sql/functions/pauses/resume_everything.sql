-- resume_everything: end pause_everything; what was paused by itself stays so.
-- Returns    how many runs were waiting and are queued; null: not everything was paused.
-- Called by  administrators.
create or replace function perdure.resume_everything()
returns integer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return perdure._resume(null, null, null);
end;
$$;
comment on function perdure.resume_everything() is 'End the pause of everything.';
