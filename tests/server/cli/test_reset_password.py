"""``perdure reset-password``: a link for who forgot the password."""

from urllib.parse import parse_qs, urlsplit

from tests.sql.accounts.people import found
from tests.support.database import Database

from .conftest import Command


def test_it_prints_a_link_that_sets_a_password(perdure: Command, db: Database) -> None:
    owner = found(db).owner
    result = perdure.ok(
        "reset-password", "ANN@x.org", "--database-url", db.url, "--public-url", "https://jobs.example.com/"
    )
    link = urlsplit(result.data.strip())
    assert (link.scheme, link.netloc, link.path) == ("https", "jobs.example.com", "/dashboard/password-reset")
    assert "used once" in result.words
    assert db.call("reset_password", parse_qs(link.query)["link"][0], "$argon2id$new") == owner


def test_it_refuses_who_is_not_there(perdure: Command, db: Database) -> None:
    words = perdure.refused("reset-password", "eve@x.org", "--database-url", db.url)
    assert "there is no account of 'eve@x.org', so there is no password to reset" in words
