-- create_owner_link: a secret by which the first owner is made, once, within a day. Each start of a server makes one of
-- its own; they hold side by side until one is used.
-- Returns    the secret, which is not stored; null: there is an owner.
-- Called by  `perdure serve`, when it starts.
create or replace function perdure.create_owner_link()
returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_secret constant text := perdure._new_secret();
begin
    delete from perdure.owner_links as l where l.expires_at <= v_now;
    if exists (select 1 from perdure.users as u where u.is_first_owner) then
        return null;
    end if;
    insert into perdure.owner_links (secret_hash, created_at, expires_at)
    values (sha256(convert_to(v_secret, 'UTF8')), v_now, v_now + interval '1 day');
    return v_secret;
end;
$$;
comment on function perdure.create_owner_link() is 'A link by which the first owner is made.';
