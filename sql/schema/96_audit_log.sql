-- audit_log: who changed what, and when; in the order of its ids. Written only by audit; never changed.
create table perdure.audit_log (
    id uuid primary key,
    organization_id uuid not null references perdure.organizations (id),
    environment_id uuid references perdure.environments (id),  -- null: it concerns the organization
    recorded_at timestamptz not null,
    user_id uuid references perdure.users (id),  -- null: an administrator, in the database
    user_email text not null,  -- as it was then
    action text not null,  -- such as member.change_role
    object text not null,  -- what was changed, for people
    before jsonb,  -- what of it changed, as it was; null: it was not there
    after jsonb,  -- and as it is since; null: it is gone
    constraint audit_log_action_plain check (action ~ '^[a-z_]+\.[a-z_]+$')
);
comment on table perdure.audit_log is 'Who changed what, and when.';
create index audit_log_organization_idx on perdure.audit_log (organization_id, id);
