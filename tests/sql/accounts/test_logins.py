"""Logins and sessions: guessing is slow, a session is new at each login and ends."""

from datetime import timedelta

from tests.sql.accounts.people import HASH, People
from tests.support.fix_clock import Clock
from tests.support.refusals import refused


def test_a_login_is_told_what_to_check_the_password_against(people: People) -> None:
    (known,) = people.db.call("begin_login", "ANN@x.org", "192.0.2.1")
    assert tuple(known) == (people.owner, HASH, None)
    (unknown,) = people.db.call("begin_login", "eve@x.org", "192.0.2.1")
    assert tuple(unknown) == (None, None, None)


def test_ten_failures_of_an_email_make_it_wait(people: People, clock: Clock) -> None:
    db = people.db
    for number in range(10):
        assert db.call("begin_login", "ann@x.org", f"192.0.2.{number}")[0].retry_after_s is None
    (late,) = db.call("begin_login", "Ann@x.org", "192.0.2.99")
    assert late.password_hash is None
    assert 0 < late.retry_after_s <= 15 * 60
    assert db.call("begin_login", "bob@x.org", "192.0.2.1")[0].retry_after_s is None
    clock.advance(timedelta(seconds=late.retry_after_s))
    assert db.call("begin_login", "ann@x.org", "192.0.2.99")[0].user_id == people.owner


def test_fifty_failures_from_an_address_make_it_wait(people: People) -> None:
    for number in range(50):
        assert people.db.call("begin_login", f"user-{number}@x.org", "192.0.2.1")[0].retry_after_s is None
    assert people.db.call("begin_login", "ann@x.org", "192.0.2.1")[0].retry_after_s > 0
    assert people.db.call("begin_login", "ann@x.org", "192.0.2.2")[0].retry_after_s is None


def test_a_success_forgets_the_failures_of_its_email(people: People) -> None:
    for _ in range(10):
        people.db.call("begin_login", "ann@x.org", "192.0.2.1")
    people.db.call("open_session", people.owner)
    assert people.db.call("begin_login", "ann@x.org", "192.0.2.1")[0].retry_after_s is None


def test_old_failures_are_thrown_away(people: People, clock: Clock) -> None:
    people.db.call("begin_login", "ann@x.org", "192.0.2.1")
    clock.advance(timedelta(minutes=16))
    people.db.call("begin_login", "bob@x.org", "192.0.2.1")
    assert [row.email for row in people.db.rows("select email from perdure.login_attempts")] == ["bob@x.org"]


def test_a_session_is_new_at_each_login_and_ends_the_one_before(people: People) -> None:
    db = people.db
    first = db.call("open_session", people.owner)
    second = db.call("open_session", people.owner, first)
    assert first != second
    assert db.call("touch_session", first) == []
    (user,) = db.call("touch_session", second)
    assert tuple(user) == (people.owner, "ann@x.org", "Ann", True)
    assert db.call("close_session", second) is True
    assert db.call("close_session", second) is False
    assert db.call("touch_session", second) == []


def test_a_session_ends_after_a_week_without_a_request_and_after_a_month(
    people: People, clock: Clock
) -> None:
    db = people.db
    idle, used = db.call("open_session", people.owner), db.call("open_session", people.owner)
    for _ in range(4):
        clock.advance(timedelta(days=6))
        assert db.call("touch_session", used) != []
    assert db.call("touch_session", idle) == []
    clock.advance(timedelta(days=6))
    assert db.call("touch_session", used) == []


def test_a_token_is_not_stored(people: People) -> None:
    token = people.db.call("open_session", people.owner)
    (row,) = people.db.rows("select s::text as text from perdure.sessions as s")
    assert token not in row.text


def test_nobody_has_no_session(people: People) -> None:
    with refused("JQ001"):
        people.db.call("open_session", people.organization)
    assert people.db.call("touch_session", None) == []


def test_a_new_password_ends_every_other_session(people: People) -> None:
    db = people.db
    kept, other = db.call("open_session", people.owner), db.call("open_session", people.owner)
    db.call("change_password", people.owner, "$argon2id$new", kept)
    assert db.call("begin_login", "ann@x.org", "192.0.2.1")[0].password_hash == "$argon2id$new"
    assert db.call("touch_session", kept) != []
    assert db.call("touch_session", other) == []
    assert people.log()[0] == ("ann@x.org", "user.change_password", "ann@x.org", None, None)
    with refused("JQ010", "hash"):
        db.call("change_password", people.owner, "in clear", kept)
    with refused("JQ001"):
        db.call("change_password", people.organization, "$argon2id$new", kept)
