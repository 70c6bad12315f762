-- _finish_delivery: what a handler's answer, or its absence, makes of a provider's request.
-- Arguments  p_claim  the number of the claim that this result belongs to.
-- Returns    DELIVERED, PENDING (to be tried again), FAILED; LEASE_LOST: it was claimed again or is finished.
-- Called by  apply_delivery_results.
create or replace function perdure._finish_delivery(
    p_delivery_id uuid, p_claim integer, p_ok boolean, p_reply json, p_message text
)
returns text
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_status text;
begin
    update perdure.source_deliveries as d
    set
        status = n.status,
        due_at = case
            when n.status = 'PENDING'
                then v_now + least(interval '1 second' * power(2, d.attempt_count), interval '1 hour')
        end,
        completed_at = case when n.status <> 'PENDING' then v_now end,
        response = perdure._unshield(p_reply -> 'response'),
        message = p_message
    from perdure.sources as s
    inner join perdure.environments as e on e.id = s.environment_id
    cross join lateral (
        select case
            when p_ok then 'DELIVERED'
            when p_claim >= perdure._attempt_limit(e.type) then 'FAILED'
            else 'PENDING'
        end as status
    ) as n
    where d.id = p_delivery_id and d.status = 'PENDING' and d.attempt_count = p_claim and s.id = d.source_id
    returning d.status into v_status;
    return coalesce(v_status, 'LEASE_LOST');
end;
$$;
comment on function perdure._finish_delivery(uuid, integer, boolean, json, text)
is 'What a handler''s answer makes of a request.';
