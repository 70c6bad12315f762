-- _check_invocation: refuse options or a key that an invocation cannot have.
-- Errors     JQ010 invalid_argument: names the argument.
-- Called by  invoke_job.
create or replace function perdure._check_invocation(p_options json, p_idempotency_key text)
returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_problem text;
begin
    v_problem := coalesce(case
        when json_typeof(p_options) not in ('object', 'null')
            then 'p_options must be an object, such as {"accountId": "user-1"}'
        when json_typeof(p_options) = 'object' and octet_length(p_options ->> 'accountId') not between 1 and 1000
            then 'p_options.accountId must be a text of 1 to 1000 bytes'
        when octet_length(p_idempotency_key) not between 1 and 1000
            then 'p_idempotency_key must be a text of 1 to 1000 bytes'
    end, 'p_options.' || perdure._start_problem(p_options));
    if v_problem is not null then
        raise exception using errcode = 'JQ010', message = v_problem;
    end if;
    if json_typeof(p_options) = 'object' and p_options ->> 'callbackUrl' is not null then
        perform perdure._check_url('p_options.callbackUrl', p_options ->> 'callbackUrl');
    end if;
end;
$$;
comment on function perdure._check_invocation(json, text) is 'Refuse what an invocation cannot have.';
