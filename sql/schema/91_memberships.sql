-- memberships: who belongs to an organization, and what they may do there. The first owner needs none. Written only by
-- accept_invitation, log_in_identity, change_member_role and remove_member.
create table perdure.memberships (
    organization_id uuid not null references perdure.organizations (id),
    user_id uuid not null references perdure.users (id),
    role text not null,
    created_at timestamptz not null,
    primary key (organization_id, user_id),
    constraint memberships_role_known check (role in ('owner', 'admin', 'member', 'viewer'))
);
comment on table perdure.memberships is 'Who belongs to an organization, in which role.';
-- Serves list_organizations and open_session.
create index memberships_user_idx on perdure.memberships (user_id);
