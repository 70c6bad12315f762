-- _apply_index: INDEX: the app has said what it has. When it sends us elsewhere, the endpoint has moved there and is
-- asked again; five times at most.
-- Called by  _apply_delivery.
create or replace function perdure._apply_index(p_delivery perdure.deliveries, p_result json)
returns perdure.delivery_effect
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_manifest constant json := perdure._answer_document(p_result);
    v_headers constant json := p_result -> 'headers';
    v_location constant text := v_headers ->> 'location';
    v_problem text;
    v_again_at timestamptz;
begin
    v_problem := perdure._endpoint_answer_problem(p_result, v_manifest);
    if
        (p_result ->> 'httpStatus')::integer in (301, 302, 303, 307, 308) and v_location ~ '^(https?://|/)'
        and p_delivery.attempt_count <= 5
    then
        update perdure.endpoints as p
        set
            url = case when v_location like '/%' then substring(p.url from '^https?://[^/]+') else '' end || v_location,
            updated_at = perdure.clock()
        where p.id = p_delivery.endpoint_id;
        v_again_at := perdure.clock();
    elsif v_problem is null then
        perform perdure.index_endpoint(
            p_delivery.endpoint_id,
            perdure._unshield(v_manifest),
            case
                when v_headers ->> 'perdure-sdk-version' is not null
                    then json_build_object('name', 'perdure', 'version', v_headers -> 'perdure-sdk-version')
                when v_headers ->> 'trigger-sdk-version' is not null
                    then json_build_object('name', 'trigger', 'version', v_headers -> 'trigger-sdk-version')
                else '{}'
            end,
            p_delivery.subject_id
        );
    end if;
    return row(v_problem, v_again_at, null)::perdure.delivery_effect;
exception
    when sqlstate 'JQ001' or sqlstate 'JQ002' or sqlstate 'JQ010' then
        v_problem := sqlerrm;
        return row(v_problem, v_again_at, null)::perdure.delivery_effect;
end;
$$;
comment on function perdure._apply_index(perdure.deliveries, json) is 'Store what an app has.';
