-- _hide_url: what came of a request, without the text that names its URL if that is a redacted one.
-- Called by  _apply_fetch.
create or replace function perdure._hide_url(p_task perdure.tasks, p_result json)
returns json
language sql stable
return case
    when p_result ->> 'verdict' = 'REPLY' or json_typeof(perdure._shield((p_task).params) -> 'url') = 'string'
    then p_result
    else perdure._json_object(
            perdure._member('verdict', p_result -> 'verdict'),
            perdure._member('durationMs', p_result -> 'durationMs'),
            perdure._member('message', to_json(format('no answer (%s)', p_result ->> 'verdict')))
        )
end;
comment on function perdure._hide_url(perdure.tasks, json) is 'What came of a request, without a redacted URL.';
