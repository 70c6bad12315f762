"""The first owner: by a link, once."""

from datetime import timedelta

import psycopg
import pytest

from tests.sql.accounts.people import HASH, found
from tests.support.builders import Builders
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.refusals import refused


def test_a_link_makes_the_first_owner_and_where_there_is_none_an_organization(db: Database) -> None:
    secret = db.call("create_owner_link")
    assert db.call("get_owner_link", secret) is True
    owner = db.call("create_owner", secret, "Ann@x.org", " Ann ", HASH, "acme")
    (organization,) = db.call("list_organizations", owner)
    assert (organization.slug, organization.role) == ("acme", "owner")
    assert [(row.email, row.name) for row in db.call("list_members", organization.id)] == [
        ("Ann@x.org", "Ann")
    ]


def test_the_first_owner_owns_what_is_there_and_what_comes_later(db: Database, builders: Builders) -> None:
    builders.environment()
    secret = db.call("create_owner_link")
    assert db.call("get_owner_link", secret) is False
    owner = db.call("create_owner", secret, "ann@x.org", "Ann", HASH, "ignored")
    db.call("create_project", "later", "shop")
    assert {row.slug: row.role for row in db.call("list_organizations", owner)} == {
        "acme": "owner",
        "later": "owner",
    }


def test_a_link_is_worth_nothing_once_there_is_an_owner(db: Database) -> None:
    used, other = db.call("create_owner_link"), db.call("create_owner_link")
    db.call("create_owner", used, "ann@x.org", "Ann", HASH, "acme")
    for secret in (used, other, "made up"):
        assert db.call("get_owner_link", secret) is None
        with refused("JQ001", "used or has expired"):
            db.call("create_owner", secret, "eve@x.org", "Eve", HASH, "acme")
    assert db.call("create_owner_link") is None


def test_a_link_holds_for_a_day(db: Database, clock: Clock) -> None:
    secret = db.call("create_owner_link")
    clock.advance(timedelta(days=1))
    with refused("JQ001", "expired"):
        db.call("create_owner", secret, "ann@x.org", "Ann", HASH, "acme")


def test_two_links_at_the_same_moment_make_one_owner(db: Database) -> None:
    first, second = db.call("create_owner_link"), db.call("create_owner_link")
    with Database(db.url) as other:
        with db.connection.transaction():
            db.call("create_owner", first, "ann@x.org", "Ann", HASH, "acme")
            other.execute("set lock_timeout = '100ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                other.call("create_owner", second, "eve@x.org", "Eve", HASH, "acme")
        with refused("JQ001"):
            other.call("create_owner", second, "eve@x.org", "Eve", HASH, "acme")


@pytest.mark.parametrize(
    ("email", "name", "password_hash", "word"),
    [
        ("ann", "Ann", HASH, "email"),
        ("ann@x.org\n", "Ann", HASH, "email"),
        ("a" * 250 + "@x.org", "Ann", HASH, "email"),
        ("ann@x.org", "  ", HASH, "name"),
        ("ann@x.org", "An\nn", HASH, "name"),
        ("ann@x.org", "Ann", "in clear", "hash"),
    ],
)
def test_a_malformed_account_is_refused(db: Database, email, name, password_hash, word) -> None:
    secret = db.call("create_owner_link")
    with refused("JQ010", word):
        db.call("create_owner", secret, email, name, password_hash, "acme")
    assert db.call("get_owner_link", secret) is True  # and the link can be used again


def test_administrators_keep_somebody_out_at_once(db: Database) -> None:
    people = found(db)
    bob = people.join("viewer", "bob@x.org")
    token = db.call("open_session", bob)
    assert db.call("set_user_disabled", "BOB@x.org") is True
    assert db.call("set_user_disabled", "bob@x.org") is False
    assert db.call("touch_session", token) == []
    assert db.call("list_organizations", bob) == []
    with refused("JQ001"):
        db.call("open_session", bob)
    assert people.log()[0] == (
        "administrator",
        "user.set_disabled",
        "bob@x.org",
        {"disabled": False},
        {"disabled": True},
    )
    assert db.call("set_user_disabled", "bob@x.org", False) is True
    assert db.call("open_session", bob)
