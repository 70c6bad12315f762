-- _webhook_problem: what is wrong with the webhooks of a manifest.
-- Arguments  p_webhooks  a JSON array.
-- Returns    the first problem: the member, what it was and what is allowed; null: none.
-- Called by  _check_manifest.
create or replace function perdure._webhook_problem(p_webhooks jsonb)
returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select format('webhooks[%s].%s', w.ordinal - 1, c.problem)
        from (
            select
                e.webhook,
                e.ordinal,
                row_number() over (partition by e.webhook ->> 'key' order by e.ordinal) as occurrence,
                row_number() over (
                    partition by e.webhook -> 'httpEndpoint' ->> 'id' order by e.ordinal
                ) as endpoint_occurrence
            from jsonb_array_elements(p_webhooks) with ordinality as e (webhook, ordinal)
        ) as w
        cross join lateral (
            select case
                when jsonb_typeof(w.webhook -> 'key') is distinct from 'string'
                    or w.webhook ->> 'key' !~ '^.{1,200}$' then 'key must be a text of 1 to 200 characters'
                when w.occurrence > 1
                    then format('key repeats "%s": a webhook''s key must be unique in an app', w.webhook ->> 'key')
                when coalesce(w.webhook -> 'httpEndpoint' ->> 'id', '') = ''
                    then 'httpEndpoint.id must be the id of an HTTP endpoint'
                when w.endpoint_occurrence > 1 then format(
                    'httpEndpoint.id repeats "%s": an HTTP endpoint can be of one webhook only',
                    w.webhook -> 'httpEndpoint' ->> 'id'
                )
                when not perdure._are_text_lists(nullif(w.webhook -> 'config', 'null'))
                    then 'config must be an object of lists of texts, such as {"events": ["created"]}'
            end as problem
        ) as c
        where c.problem is not null
        order by w.ordinal
        limit 1
    );
end;
$$;
comment on function perdure._webhook_problem(jsonb) is 'What is wrong with the webhooks of a manifest.';
