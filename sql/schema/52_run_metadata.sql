-- run_metadata: what an app wants to be read of a run besides its output. A run has a row from the first change of
-- its metadata or tags on; whoever changes them holds it locked. Apart from runs, whose updates stay small.
-- Written only by sql/functions/metadata/.
create table perdure.run_metadata (
    run_id uuid primary key,
    metadata jsonb not null,
    constraint run_metadata_is_object check (jsonb_typeof(metadata) = 'object'),
    constraint run_metadata_fits check (octet_length(metadata::text) <= 65536)
);
comment on table perdure.run_metadata is 'What apps want to be read of runs.';
