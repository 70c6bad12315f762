-- missing_connection_runs: which runs wait for a missing connection. Written only by sql/functions/connections/.
create table perdure.missing_connection_runs (
    missing_connection_id uuid not null references perdure.missing_connections (id) on delete cascade,
    run_id uuid not null,
    primary key (missing_connection_id, run_id)
);
comment on table perdure.missing_connection_runs is 'Runs that wait for a connection.';
create index missing_connection_runs_run_idx on perdure.missing_connection_runs (run_id);
