-- tg_audit_log__stays: what was written into the audit log stays as it is.
-- Errors     JQ002 wrong_state: always.
create or replace function perdure.tg_audit_log__stays()
returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    raise exception using errcode = 'JQ002', message = 'entries of the audit log are not changed';
end;
$$;
comment on function perdure.tg_audit_log__stays() is 'Entries of the audit log stay.';

create or replace trigger tg_audit_log__stays
before update or delete or truncate on perdure.audit_log
for each statement
execute function perdure.tg_audit_log__stays();
