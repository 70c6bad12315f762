-- _explanation: why a run waits, as explain_wait returns it.
-- Arguments  p_since, p_until  null: not known, or open; p_facts  null: none.
-- Called by  explain_wait and its parts.
create or replace function perdure._explanation(
    p_reason text, p_sentence text, p_since timestamptz, p_until timestamptz, p_facts json
)
returns json
language sql stable
return perdure._json_object(
    perdure._member('reason', to_json(p_reason)),
    perdure._member('sentence', to_json(p_sentence)),
    perdure._member('since', to_json(perdure._iso(p_since))),
    perdure._member('until', to_json(perdure._iso(p_until))),
    perdure._member('facts', coalesce(p_facts, '{}'))
);
comment on function perdure._explanation(text, text, timestamptz, timestamptz, json) is 'Why a run waits.';
