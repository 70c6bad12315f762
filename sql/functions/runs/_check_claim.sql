-- _check_claim: refuse a claim that says not who claims, or how much.
-- Errors     JQ010 invalid_argument: p_dispatcher is null; p_limit is null or out of range.
-- Called by  claim_runs, send_and_claim.
create or replace function perdure._check_claim(p_dispatcher text, p_limit integer)
returns void
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    perform perdure._check_limit('p_limit', p_limit);
    if p_dispatcher is null then
        raise exception using errcode = 'JQ010', message = 'p_dispatcher must not be null';
    end if;
end;
$$;
comment on function perdure._check_claim(text, integer) is 'Refuse a claim that is none.';
