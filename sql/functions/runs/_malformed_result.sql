-- _malformed_result: a result whose reply could not be applied, without the reply.
-- Called by  apply_results.
create or replace function perdure._malformed_result(p_result json, p_reason text)
returns json
language sql stable
return json_build_object(
    'runId', p_result -> 'runId',
    'leaseNumber', p_result -> 'leaseNumber',
    'verdict', 'MALFORMED',
    'durationMs', p_result -> 'durationMs',
    'httpStatus', p_result -> 'httpStatus',
    'message', format('The endpoint''s reply cannot be applied: %s', p_reason)
);
comment on function perdure._malformed_result(json, text) is 'A result without the reply that could not be applied.';
