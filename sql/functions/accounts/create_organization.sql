-- create_organization: make another organization. The first owner owns all, so only they make them.
-- Arguments  p_slug   as in _check_slug; p_title  shown to people.
-- Returns    its id.
-- Errors     JQ002 wrong_state: the user is not the first owner; JQ004 key_conflict: there is one of this slug;
--            JQ010 invalid_argument: p_slug or p_title is malformed.
-- Called by  the dashboard.
create or replace function perdure.create_organization(p_user_id uuid, p_slug text, p_title text)
returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_id constant uuid := perdure.new_id();
begin
    perform perdure._check_slug('the slug', p_slug);
    if coalesce(char_length(btrim(p_title)), 0) not between 1 and 100 then
        raise exception using errcode = 'JQ010', message = 'the name must be 1 to 100 characters';
    end if;
    if not exists (select 1 from perdure.users as u where u.id = p_user_id and u.is_first_owner) then
        raise exception using errcode = 'JQ002', message = 'only the first owner makes organizations';
    end if;
    insert into perdure.organizations (id, slug, title, created_at, updated_at)
    values (v_id, p_slug, btrim(p_title), v_now, v_now)
    on conflict (slug) do nothing;
    if not found then
        raise exception using
            errcode = 'JQ004', message = format('there is an organization %L: choose another slug', p_slug);
    end if;
    perform perdure.audit(
        p_user_id, v_id, 'organization.create', p_slug, null::jsonb, jsonb_build_object('title', btrim(p_title))
    );
    return v_id;
end;
$$;
comment on function perdure.create_organization(uuid, text, text) is 'Make another organization.';
