"""Members: invited by a link, with a role that only who may can give; each change in the audit log."""

from datetime import timedelta

import pytest

from tests.sql.accounts.people import HASH, People
from tests.support.builders import Builders
from tests.support.fix_clock import Clock
from tests.support.refusals import refused


def test_an_invitation_makes_a_member_once(people: People) -> None:
    db = people.db
    secret = db.call("invite_member", people.owner, people.organization, "bob@x.org", "viewer")
    (offer,) = db.call("get_invitation", secret)
    assert tuple(offer) == ("acme", "bob@x.org", "viewer", "Ann", False)
    bob = db.call("accept_invitation", secret, None, "Bob", HASH)
    assert people.roles() == {"ann@x.org": "owner", "bob@x.org": "viewer"}
    assert [(row.slug, row.role) for row in db.call("list_organizations", bob)] == [("acme", "viewer")]
    assert db.call("get_invitation", secret) == []
    with refused("JQ001", "ask for a new one"):
        db.call("accept_invitation", secret, None, "Eve", HASH)
    assert people.log()[:2] == [
        ("bob@x.org", "invitation.accept", "bob@x.org", None, {"role": "viewer"}),
        ("ann@x.org", "invitation.create", "bob@x.org", None, {"role": "viewer"}),
    ]


def test_an_invitation_expires_is_replaced_and_is_taken_back(people: People, clock: Clock) -> None:
    db = people.db
    old, new = (
        db.call("invite_member", people.owner, people.organization, email, "viewer")
        for email in ("bob@x.org", "Bob@x.org")
    )
    assert db.call("get_invitation", old) == []
    (listed,) = db.call("list_invitations", people.organization)
    assert (listed.email, listed.invited_by) == ("Bob@x.org", "ann@x.org")
    assert db.call("revoke_invitation", people.owner, people.organization, listed.id) is True
    assert db.call("revoke_invitation", people.owner, people.organization, listed.id) is False
    assert db.call("get_invitation", new) == []
    third = db.call("invite_member", people.owner, people.organization, "bob@x.org", "viewer")
    clock.advance(timedelta(days=7))
    assert db.call("list_invitations", people.organization) == []
    with refused("JQ001", "expired"):
        db.call("accept_invitation", third, None, "Bob", HASH)


def test_whoever_has_an_account_accepts_with_it(people: People) -> None:
    db = people.db
    bob, eve = people.join("member", "bob@x.org"), people.join("member", "eve@x.org")
    db.call("remove_member", people.owner, people.organization, bob)
    secret = db.call("invite_member", people.owner, people.organization, "BOB@x.org", "admin")
    assert db.call("get_invitation", secret)[0].has_account
    with refused("JQ004", "log in"):
        db.call("accept_invitation", secret, None, "Bob", HASH)
    with refused("JQ002", "is for BOB@x.org"):
        db.call("accept_invitation", secret, eve)
    assert db.call("accept_invitation", secret, bob) == bob
    assert people.roles()["bob@x.org"] == "admin"


def test_a_member_is_not_invited_again(people: People) -> None:
    with refused("JQ004", "is a member"):
        people.db.call("invite_member", people.owner, people.organization, "ANN@x.org", "viewer")


@pytest.mark.parametrize("role", ["member", "viewer", None])
def test_only_owners_and_admins_change_members(people: People, role: str | None) -> None:
    db, code = people.db, "JQ002" if role else "JQ001"
    bob = people.join("viewer", "bob@x.org")
    actor = people.join(role, "actor@x.org") if role else None
    db.call("invite_member", people.owner, people.organization, "new@x.org", "viewer")
    (invitation,) = db.call("list_invitations", people.organization)
    before = people.log()
    for call in (
        ("invite_member", "x@x.org", "viewer"),
        ("change_member_role", bob, "admin"),
        ("remove_member", bob),
        ("revoke_invitation", invitation.id),
    ):
        with refused(code):
            db.call(call[0], actor, people.organization, *call[1:])
    assert people.log() == before


def test_an_admin_makes_and_unmakes_no_owner(people: People) -> None:
    db = people.db
    admin, owner = people.join("admin"), people.join("owner")
    bob = people.join("viewer", "bob@x.org")
    for call in (
        ("invite_member", "x@x.org", "owner"),
        ("change_member_role", bob, "owner"),
        ("change_member_role", owner, "viewer"),
        ("remove_member", owner),
    ):
        with refused("JQ002", "only an owner"):
            db.call(call[0], admin, people.organization, *call[1:])
    db.call("change_member_role", admin, people.organization, bob, "admin")
    db.call("change_member_role", admin, people.organization, bob, "admin")  # the same: nothing new
    assert [entry[:2] for entry in people.log()[:2]] == [
        ("admin@x.org", "member.change_role"),
        ("bob@x.org", "invitation.accept"),
    ]


def test_the_first_owner_stays(people: People) -> None:
    owner = people.join("owner")
    for call in (("change_member_role", people.owner, "viewer"), ("remove_member", people.owner)):
        with refused("JQ002", "the first owner stays"):
            people.db.call(call[0], owner, people.organization, *call[1:])


def test_a_member_leaves(people: People) -> None:
    bob = people.join("viewer", "bob@x.org")
    people.db.call("remove_member", bob, people.organization, bob)
    assert people.roles() == {"ann@x.org": "owner"}
    assert people.log()[0] == ("bob@x.org", "member.remove", "bob@x.org", {"role": "viewer"}, None)
    with refused("JQ001"):
        people.db.call("remove_member", people.owner, people.organization, bob)


def test_an_unknown_role_and_an_unknown_organization_are_refused(people: People) -> None:
    with refused("JQ010", "'king'"):
        people.db.call("invite_member", people.owner, people.organization, "x@x.org", "king")
    with refused("JQ001"):
        people.db.call("invite_member", people.owner, people.owner, "x@x.org", "viewer")


def test_the_audit_log_is_read_in_pages_and_never_changed(people: People, builders: Builders) -> None:
    db, environment = people.db, builders.environment()
    ids = [
        db.call(
            "audit",
            people.owner,
            people.organization,
            "run.cancel",
            f"run {number}",
            {"status": "STARTED"},
            {"status": "CANCELED"},
            environment.id,
        )
        for number in range(3)
    ]
    page = db.call("list_audit_log", people.organization, limit=2)
    assert [row.id for row in page] == [ids[2], ids[1]]
    assert (page[0].project, page[0].environment) == (environment.project, "dev")
    below = db.call("list_audit_log", people.organization, page[-1].id, 2)
    assert [row.action for row in below] == ["run.cancel", "owner.create"]
    for change in ("update perdure.audit_log set object = ''", "delete from perdure.audit_log"):
        with refused("JQ002", "not changed"):
            db.execute(change)


def test_an_entry_needs_a_plain_action_and_an_environment_of_the_organization(
    people: People, builders: Builders
) -> None:
    db = people.db
    db.call("create_project", "other", "theirs")
    foreign = db.call("get_environment", "theirs", "dev")
    with refused("JQ010", "run.cancel"):
        db.call("audit", people.owner, people.organization, "cancelled a run", "x")
    with refused("JQ001", "no environment"):
        db.call("audit", people.owner, people.organization, "run.cancel", "x", None, None, foreign)
    with refused("JQ001", "no user"):
        db.call("audit", foreign, people.organization, "run.cancel", "x")
