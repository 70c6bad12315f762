-- function_sets: which state of sql/functions/ this database holds; the newest row counts.
-- Written only by the migrator, which loads all functions again when the joint checksum differs.
create table perdure.function_sets (
    id integer generated always as identity primary key,
    checksum text not null,  -- sha256 over all files, hex
    release text not null,  -- version of the package that carried them
    applied_at timestamptz not null default now()
);
comment on table perdure.function_sets is 'Function sets loaded into this database; the newest row is current.';
