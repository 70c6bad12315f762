"""The list of one's sessions, and ending them."""

from datetime import timedelta

from tests.sql.accounts.people import People
from tests.support.fix_clock import Clock


def test_somebody_sees_their_own_open_sessions(people: People, clock: Clock) -> None:
    db, bob = people.db, people.join("member")
    db.call("open_session", bob)
    idle, closed = db.call("open_session", people.owner), db.call("open_session", people.owner)
    clock.advance(timedelta(days=6))
    db.call("touch_session", closed)
    db.call("close_session", closed)
    used = db.call("open_session", people.owner, None, "192.0.2.7", "Firefox " + "x" * 1000)
    own = db.call("open_session", people.owner)
    sessions = db.call("list_sessions", people.owner, own)
    assert [session.is_current for session in sessions] == [True, False, False]
    assert (sessions[1].address, sessions[1].user_agent[:8]) == ("192.0.2.7", "Firefox ")
    assert len(sessions[1].user_agent) == 500
    assert (sessions[2].address, sessions[2].user_agent) == (None, None)
    clock.advance(timedelta(days=1))
    assert len(db.call("list_sessions", people.owner, own)) == 2
    assert db.call("touch_session", idle) == []
    assert db.call("touch_session", used) != []


def test_one_session_or_all_others_are_ended(people: People) -> None:
    db, bob = people.db, people.join("member")
    theirs, own, second, third = (
        db.call("open_session", user) for user in (bob, people.owner, people.owner, people.owner)
    )
    (session,) = [found for found in db.call("list_sessions", people.owner, second) if found.is_current]
    assert db.call("end_session", bob, session.id) is False
    assert db.call("end_session", people.owner, session.id) is True
    assert db.call("end_session", people.owner, session.id) is False
    assert db.call("touch_session", second) == []
    assert db.call("touch_session", third) != []
    db.call("end_other_sessions", people.owner, own)
    held = [db.call("touch_session", token) != [] for token in (own, third, theirs)]
    assert held == [True, False, True]
