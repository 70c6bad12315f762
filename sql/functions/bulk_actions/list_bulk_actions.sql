-- list_bulk_actions: the bulk actions of an environment, newest first.
-- Arguments  p_before_id  go on below this one; null: from the newest; p_limit  most of them, 1..1000.
-- Returns    [as _bulk_action_json].
-- Errors     JQ010 invalid_argument: p_limit is null or out of range.
-- Called by  the dashboard, psql.
create or replace function perdure.list_bulk_actions(
    p_environment_id uuid, p_before_id uuid default null, p_limit integer default 50
)
returns json
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_actions json;
begin
    perform perdure._check_limit('p_limit', p_limit);
    select json_agg(perdure._bulk_action_json(a) order by a.id desc) into v_actions
    from (
        select x.*
        from perdure.bulk_actions as x
        where
            x.environment_id = p_environment_id
            and x.id < coalesce(p_before_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
        order by x.id desc
        limit p_limit
    ) as a;
    return coalesce(v_actions, '[]');
end;
$$;
comment on function perdure.list_bulk_actions(uuid, uuid, integer) is 'The bulk actions of an environment.';
