-- clock: the one clock that instants are compared with. Tests replace it; nothing else may.
-- Stable, so that `due_at <= perdure.clock()` can use an index (clock_timestamp() cannot).
-- Returns    the start of the client's current statement.
create or replace function perdure.clock()
returns timestamptz
language sql stable parallel safe
return statement_timestamp();
comment on function perdure.clock() is 'The one clock of the engine.';
