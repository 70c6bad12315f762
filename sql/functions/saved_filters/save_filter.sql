-- save_filter: keep what somebody looks for, by a name; one of theirs with this name is replaced.
-- Arguments  p_name  1 to 80 characters; p_query  of the page's address, up to 4000 characters.
-- Returns    its id.
-- Errors     JQ010 invalid_argument: the name or the query is too long, the name is empty; JQ002 wrong_state: there are
--            already 50 of this user here.
-- Called by  the dashboard.
create or replace function perdure.save_filter(p_environment_id uuid, p_user_id uuid, p_name text, p_query text)
returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_name constant text := coalesce(btrim(p_name), '');
    v_id uuid;
begin
    if char_length(v_name) not between 1 and 80 then
        raise exception using errcode = 'JQ010', message = 'a filter needs a name of 1 to 80 characters';
    elsif p_query is null or char_length(p_query) > 4000 then
        raise exception using errcode = 'JQ010', message = 'a filter to be saved has at most 4000 characters';
    end if;
    if (
        select count(*)
        from perdure.saved_filters as s
        where s.environment_id = p_environment_id and s.user_id = p_user_id and s.name <> v_name
    ) >= 50 then
        raise exception using
            errcode = 'JQ002', message = 'you have saved 50 filters here, which is the limit: delete one of them';
    end if;
    insert into perdure.saved_filters as s (id, environment_id, user_id, name, query, created_at)
    values (perdure.new_id(), p_environment_id, p_user_id, v_name, p_query, perdure.clock())
    on conflict (environment_id, user_id, name) do update set query = excluded.query
    returning s.id into v_id;
    return v_id;
end;
$$;
comment on function perdure.save_filter(uuid, uuid, text, text) is 'Keep what somebody looks for.';
