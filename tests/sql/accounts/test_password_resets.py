"""Links by which somebody chooses a password: who may make one, and that it works once."""

from datetime import timedelta

import pytest

from tests.sql.accounts.people import People
from tests.support.fix_clock import Clock
from tests.support.refusals import refused

NEW = "$argon2id$new"


def link(people: People, actor: str, user: str) -> str:
    secret: str = people.db.call("create_password_reset", actor, people.organization, user)
    return secret


def test_a_link_sets_a_password_once_and_ends_every_session(people: People) -> None:
    db, bob = people.db, people.join("member", "bob@x.org")
    token = db.call("open_session", bob)
    for _ in range(10):
        db.call("begin_login", "bob@x.org", "192.0.2.1")
    secret = link(people, people.owner, bob)
    assert db.call("get_password_reset", secret) == [("bob@x.org", "Member")]
    assert db.call("touch_session", token) != []
    assert db.call("reset_password", secret, NEW) == bob
    assert db.call("touch_session", token) == []
    (attempt,) = db.call("begin_login", "bob@x.org", "192.0.2.1")  # the failures before are forgotten
    assert attempt.password_hash == NEW
    assert db.call("get_password_reset", secret) == []
    with refused("JQ001", "ask for a new one"):
        db.call("reset_password", secret, NEW)
    assert people.log()[:2] == [
        ("bob@x.org", "user.reset_password", "bob@x.org", None, None),
        ("ann@x.org", "password_reset.create", "bob@x.org", None, None),
    ]
    assert secret not in str(db.rows("select r::text from perdure.password_resets as r"))


def test_a_link_holds_for_a_day_and_until_a_newer_one_or_another_password(
    people: People, clock: Clock
) -> None:
    db, bob = people.db, people.join("member", "bob@x.org")
    old, new = link(people, people.owner, bob), link(people, people.owner, bob)
    assert [len(db.call("get_password_reset", secret)) for secret in (old, new)] == [0, 1]
    db.call("change_password", bob, NEW, "")
    assert db.call("get_password_reset", new) == []
    late = link(people, people.owner, bob)
    clock.advance(timedelta(days=1))
    assert db.call("get_password_reset", late) == []
    with refused("JQ001"):
        db.call("reset_password", late, NEW)


def test_a_refused_password_does_not_use_the_link_up(people: People) -> None:
    secret = link(people, people.owner, people.join("member"))
    with refused("JQ010", "hash"):
        people.db.call("reset_password", secret, "in clear")
    assert people.db.call("get_password_reset", secret) != []


@pytest.mark.parametrize("role", ["member", "viewer", None])
def test_only_owners_and_admins_make_links(people: People, role: str | None) -> None:
    bob, actor = people.join("viewer", "bob@x.org"), people.join(role, "actor@x.org") if role else None
    with refused("JQ002" if role else "JQ001"):
        link(people, actor or people.organization, bob)


def test_nobody_gets_further_through_an_account_than_by_their_own(people: People) -> None:
    db = people.db
    admin, other = people.join("admin"), people.join("admin", "other@x.org")
    owner, bob = people.join("owner"), people.join("viewer", "bob@x.org")
    assert link(people, admin, other)
    assert link(people, owner, admin)
    with refused("JQ002", "only an owner"):
        link(people, admin, owner)
    with refused("JQ002", "the first owner stays"):
        link(people, owner, people.owner)
    with refused("JQ002", "one's own password"):
        link(people, owner, owner)
    # Bob is more somewhere else than a viewer, where this admin is nothing.
    db.call("create_project", "other", "theirs")
    theirs = next(o.id for o in db.call("list_organizations", people.owner) if o.slug == "other")
    invitation = db.call("invite_member", people.owner, theirs, "bob@x.org", "admin")
    db.call("accept_invitation", invitation, bob)
    for actor in (admin, owner):
        with refused("JQ002", "belongs to other organizations"):
            link(people, actor, bob)
    assert link(people, people.owner, bob)
    assert [entry[1] for entry in people.log()[:1]] == ["password_reset.create"]


def test_an_administrator_makes_a_link_for_anybody(people: People) -> None:
    db = people.db
    secret = db.call("issue_password_reset", "ANN@x.org")
    assert db.call("reset_password", secret, NEW) == people.owner
    assert people.log()[1][:2] == ("administrator", "password_reset.create")
    with refused("JQ001", "no account of 'eve@x.org'"):
        db.call("issue_password_reset", "eve@x.org")


def test_who_is_disabled_gets_no_link_and_uses_none(people: People) -> None:
    db, bob = people.db, people.join("member", "bob@x.org")
    secret = link(people, people.owner, bob)
    db.call("set_user_disabled", "bob@x.org")
    assert db.call("get_password_reset", secret) == []
    with refused("JQ001"):
        db.call("reset_password", secret, NEW)
    with refused("JQ002", "disabled"):
        db.call("issue_password_reset", "bob@x.org")
