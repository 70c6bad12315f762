-- _lacks_public_url: does a task want to be called back, and nobody knows where?
-- Arguments  p_callback  of a TaskRecord: {enabled, timeoutInSeconds?}.
-- Called by  _check_task_calls.
create or replace function perdure._lacks_public_url(p_callback json)
returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return p_callback ->> 'enabled' = 'true'
    and not exists (select 1 from perdure.settings as s where s.name = 'public_url');
end;
$$;
comment on function perdure._lacks_public_url(json) is 'Does a task want to be called back where nobody knows?';
