-- _reject_delivery: a handler answered with events that cannot be stored.
-- Returns    FAILED.
-- Called by  apply_delivery_results.
create or replace function perdure._reject_delivery(p_delivery_id uuid, p_reason text)
returns text
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
    update perdure.source_deliveries as d
    set status = 'FAILED', message = format('The handler''s events were refused: %s', p_reason)
    where d.id = p_delivery_id;
    return 'FAILED';
end;
$$;
comment on function perdure._reject_delivery(uuid, text) is 'A handler answered with events that cannot be stored.';
