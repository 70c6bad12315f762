"""Links that log the first owner in: once, and not for long."""

from datetime import timedelta

import pytest

from tests.sql.accounts.people import People
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.refusals import refused

PAGE = "/dashboard/orgs/acme"


def test_a_link_is_used_once_and_written_down(people: People) -> None:
    db = people.db
    secret = db.call("create_login_link", PAGE)
    assert secret not in str(db.rows("select l::text from perdure.login_links as l"))
    assert db.call("take_login_link", "made up") == []
    assert db.call("take_login_link", secret) == [(people.owner, PAGE)]
    assert db.call("take_login_link", secret) == []
    assert people.log()[:2] == [
        ("ann@x.org", "login_link.use", PAGE, None, None),
        ("administrator", "login_link.create", PAGE, None, None),
    ]


def test_a_link_holds_for_a_quarter_of_an_hour(people: People, clock: Clock) -> None:
    secret = people.db.call("create_login_link", PAGE)
    clock.advance(timedelta(minutes=15))
    assert people.db.call("take_login_link", secret) == []


def test_a_link_lets_no_disabled_owner_in(people: People) -> None:
    secret = people.db.call("create_login_link", PAGE)
    people.db.call("set_user_disabled", "ann@x.org")
    assert people.db.call("take_login_link", secret) == []
    with refused("JQ002", "disabled"):
        people.db.call("create_login_link", PAGE)


def test_without_an_owner_there_is_nobody_to_log_in(db: Database) -> None:
    with refused("JQ002", "no owner yet"):
        db.call("create_login_link", PAGE)


@pytest.mark.parametrize("path", [None, "", "dashboard", "//evil.test", "/" + "a" * 1000])
def test_a_link_leads_to_a_page_of_ours(people: People, path: str | None) -> None:
    with refused("JQ010", "p_path"):
        people.db.call("create_login_link", path)
