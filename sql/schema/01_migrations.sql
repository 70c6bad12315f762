-- migrations: the ledger. A row for each file of sql/migrations/ that this database has been through.
-- Written only by the migrator.
create table perdure.migrations (
    number integer primary key,
    name text not null,
    checksum text not null,  -- sha256 of the file, hex; a released file never changes
    applied_at timestamptz not null default now()
);
comment on table perdure.migrations is 'Migrations applied to this database, with the checksums of their files.';
