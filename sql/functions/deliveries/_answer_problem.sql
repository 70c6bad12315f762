-- _answer_problem: what is wrong with the answer to a delivery, for people; null: it came, with a good status.
-- Arguments  p_result  as in apply_delivery_results, shielded; p_good  the good statuses.
-- Called by  _endpoint_answer_problem, and the functions of those kinds that go outside.
create or replace function perdure._answer_problem(p_result json, p_good int4range default '[200,300)')
returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_status constant integer := (p_result ->> 'httpStatus')::integer;
begin
    if p_result ->> 'verdict' is distinct from 'REPLY' then
        return coalesce(p_result ->> 'message', format('No answer: %s', p_result ->> 'verdict'));
    elsif v_status <@ p_good then
        return null;
    elsif v_status between 300 and 399 then
        return format(
            'The answer was %s, a redirect to %s: it was not followed', v_status,
            left(coalesce(p_result -> 'headers' ->> 'location', 'nowhere'), 1000)
        );
    end if;
    return coalesce(
        nullif(left(perdure._parse_json(p_result ->> 'body') ->> 'message', 2000), ''),
        format('The receiver responded with %s status code', coalesce(v_status::text, 'no'))
    );
end;
$$;
comment on function perdure._answer_problem(json, int4range) is 'What is wrong with the answer to a delivery.';
