"""Accounts opened by an OpenID provider: who gets in, and as whom."""

from datetime import timedelta
from typing import Any

from tests.sql.accounts.people import People
from tests.support.fix_clock import Clock
from tests.support.refusals import refused

ISSUER = "https://id.example.com"


def log_in(people: People, subject: str, email: str, name: str | None = "Bob", **options: Any) -> str:
    user_id: str = people.db.call("log_in_identity", ISSUER, subject, email, name, **options)
    return user_id


def test_a_known_email_opens_its_account_and_then_the_identity_does(people: People) -> None:
    assert log_in(people, "a1", "ANN@x.org") == people.owner
    assert log_in(people, "a1", "ann.smith@x.org") == people.owner  # she has married
    assert people.db.call("has_password", people.owner) is True


def test_an_email_that_somebody_else_got_does_not_open_the_account(people: People) -> None:
    log_in(people, "a1", "ann@x.org")
    with refused("JQ004", "another person"):
        log_in(people, "a2", "ann@x.org")
    assert people.db.call("forget_identities", "ann@x.org") == 1
    assert log_in(people, "a2", "ann@x.org") == people.owner
    assert people.log()[0][:3] == ("administrator", "user.forget_identities", "ann@x.org")
    with refused("JQ004"):
        log_in(people, "a1", "ann@x.org")


def test_nobody_else_gets_in(people: People, clock: Clock) -> None:
    with refused("JQ001", "nobody has invited eve@x.org"):
        log_in(people, "e1", "eve@x.org")
    people.db.call("invite_member", people.owner, people.organization, "eve@x.org", "viewer")
    clock.advance(timedelta(days=7))
    with refused("JQ001"):
        log_in(people, "e1", "eve@x.org")
    assert people.roles() == {"ann@x.org": "owner"}


def test_an_invited_email_makes_an_account_without_a_password(people: People) -> None:
    db = people.db
    secret = db.call("invite_member", people.owner, people.organization, "Bob@x.org", "admin")
    bob = log_in(people, "b1", "bob@x.org")
    assert people.roles()["bob@x.org"] == "admin"
    assert db.call("get_invitation", secret) == []
    assert db.call("has_password", bob) is False
    assert db.call("begin_login", "bob@x.org", "192.0.2.1")[0].password_hash is None
    assert people.log()[0] == ("bob@x.org", "invitation.accept", "Bob@x.org", None, {"role": "admin"})
    db.call("remove_member", people.owner, people.organization, bob)
    assert log_in(people, "b1", "bob@x.org") == bob
    assert "bob@x.org" not in people.roles()


def test_new_people_join_where_the_settings_say_so_once(people: People) -> None:
    rule = {"organization": "acme", "role": "viewer"}
    bob = log_in(people, "b1", "bob@x.org", "two\nlines", **rule)
    assert people.roles()["bob@x.org"] == "viewer"
    assert people.log()[0] == ("bob@x.org", "member.join", "bob@x.org", None, {"role": "viewer"})
    (member,) = [
        found for found in people.db.call("list_members", people.organization) if found.user_id == bob
    ]
    assert member.name == "bob@x.org"
    people.db.call("remove_member", people.owner, people.organization, bob)
    log_in(people, "b1", "bob@x.org", **rule)
    assert "bob@x.org" not in people.roles()  # removed is removed
    with refused("JQ002", "only an owner"):
        log_in(people, "c1", "c@x.org", organization="acme", role="owner")
    with refused("JQ001", "no organization 'missing'"):
        log_in(people, "c1", "c@x.org", organization="missing", role="viewer")


def test_who_is_disabled_stays_out(people: People) -> None:
    people.join("member", "bob@x.org")
    log_in(people, "b1", "bob@x.org")
    people.db.call("set_user_disabled", "bob@x.org")
    for subject, email in (("b1", "bob@x.org"), ("b1", "other@x.org"), ("b2", "bob@x.org")):
        with refused("JQ002", "disabled"):
            log_in(people, subject, email)


def test_malformed_identities_are_refused(people: People) -> None:
    for subject, email in (("", "bob@x.org"), (None, "bob@x.org"), ("b1", "bob"), ("x" * 1001, "bob@x.org")):
        with refused("JQ010"):
            log_in(people, subject, email)  # type: ignore[arg-type]


def test_a_login_on_its_way_is_taken_once_within_ten_minutes(people: People, clock: Clock) -> None:
    db = people.db
    secret, late = (db.call("begin_oidc_login", "/dashboard/orgs/acme") for _ in range(2))
    assert secret not in str(db.rows("select l::text from perdure.oidc_logins as l"))
    assert db.call("take_oidc_login", "guessed") is None
    assert db.call("take_oidc_login", secret) == "/dashboard/orgs/acme"
    assert db.call("take_oidc_login", secret) is None
    clock.advance(timedelta(minutes=10))
    assert db.call("take_oidc_login", late) is None
    db.call("begin_oidc_login", "/dashboard/")
    assert db.value("select count(*) from perdure.oidc_logins") == 1  # what expired is gone
    with refused("JQ010"):
        db.call("begin_oidc_login", "x" * 8001)
