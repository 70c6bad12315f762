-- Two schemas: perdure holds tables and functions, perdure_views the read-only views that people and tools
-- may rely on. Both belong to perdure_owner, as whom the security definer functions run.
create schema perdure;
comment on schema perdure
is 'Perdure: durable background jobs. Tables change only through the functions in this schema.';
create schema perdure_views;
comment on schema perdure_views is 'Perdure: read-only views with a stable shape.';
