-- _retry_delay: how long to wait after a failed attempt: minTimeoutInMs · factor^(attempt - 2), at least
-- minTimeoutInMs, at most maxTimeoutInMs, times a random number in 1..2 when randomize.
-- Arguments  p_policy   {factor?, minTimeoutInMs?, maxTimeoutInMs?, randomize?}; absent members: 1.8, 1000,
--            60000, true;
--            p_attempt  the attempt that failed, from 1.
create or replace function perdure._retry_delay(p_policy json, p_attempt integer)
returns interval
language sql volatile parallel safe
return (
    select
        make_interval(secs => least(
            (case when p.randomize then 1 + random() else 1 end)
            -- factor^(attempt - 2), kept within what a double can hold
            * greatest(p.min_ms, 1) * exp(least(greatest(greatest(p_attempt - 2, 0) * p.ln_factor, -100), 100)),
            p.max_ms
        ) / 1000)
    from (
        select
            case
                when (p_policy ->> 'factor')::double precision <= 0 then 0
                else ln(coalesce((p_policy ->> 'factor')::double precision, 1.8))
            end as ln_factor,
            coalesce((p_policy ->> 'minTimeoutInMs')::double precision, 1000) as min_ms,
            coalesce((p_policy ->> 'maxTimeoutInMs')::double precision, 60000) as max_ms,
            coalesce((p_policy ->> 'randomize')::boolean, true) as randomize
    ) as p
);
comment on function perdure._retry_delay(json, integer) is 'How long to wait after a failed attempt.';
