-- event_message: an event as a call states it, by the names of the wire: read by json_populate_record. Not stored. What
-- may be misspelt is text until that has been looked at.
create type perdure.event_message as (
    id text,
    name text,
    payload json,
    context json,
    source text,
    "timestamp" text,
    "payloadType" text,
    "isTest" text,
    "sourceContext" json,
    "dynamicSourceKey" text
);
comment on type perdure.event_message is 'An event as a call states it.';
