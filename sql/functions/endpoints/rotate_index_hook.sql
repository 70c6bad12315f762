-- rotate_index_hook: give an endpoint's deploy hook another secret; who knows only the old one calls in vain.
-- Errors     JQ001 not_found.
-- Called by  the server, psql.
create or replace function perdure.rotate_index_hook(p_environment_id uuid, p_slug text)
returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
    update perdure.endpoints as p
    set indexing_hook_id = replace(gen_random_uuid()::text, '-', ''), updated_at = perdure.clock()
    where p.environment_id = p_environment_id and p.slug = p_slug;
    if not found then
        raise exception using
            errcode = 'JQ001',
            message = format('there is no endpoint %s in this environment', quote_nullable(p_slug));
    end if;
end;
$$;
comment on function perdure.rotate_index_hook(uuid, text) is 'Give a deploy hook another secret.';
