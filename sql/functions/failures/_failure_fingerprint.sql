-- _failure_fingerprint: what failures that look alike have in common: the job, how the run ended, the task up to ids
-- and numbers in its key, the kind of error, and the message up to what differs each time.
-- Arguments  p_task_key, p_error_name  null: none.
-- Called by  _record_failures.
create or replace function perdure._failure_fingerprint(
    p_job_id uuid, p_status text, p_task_key text, p_error_name text, p_message text
)
returns uuid
language sql immutable parallel safe
return md5(array_to_string(
    array[
        p_job_id::text, p_status, perdure._normalized_message(p_task_key), p_error_name,
        perdure._normalized_message(p_message)
    ],
    chr(31), ''
))::uuid;
comment on function perdure._failure_fingerprint(uuid, text, text, text, text)
is 'What failures that look alike have in common.';
