"""Events about the app's end users: who hears of them, and what the run is told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.builders import Builders, Endpoint
from tests.support.database import Database
from tests.support.refusals import refused


def send(db: Database, endpoint: Endpoint, **options: Any) -> None:
    """Send ``greet`` with these options."""
    db.call("send_events", endpoint.environment.id, [{"name": "greet"}], options)


def test_the_run_is_told_whose_event_it_was(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    send(db, endpoint, accountId="user 7")
    (claim,) = builders.claims()
    assert claim.body["account"] == {"id": "user 7", "metadata": {}}


def test_an_event_about_nobody_has_no_account(builders: Builders) -> None:
    assert "account" not in builders.claim().body


def test_an_account_is_kept_once_for_each_environment(db: Database, builders: Builders) -> None:
    one, other = builders.endpoint(), builders.endpoint()
    for endpoint in (one, one, other):
        send(db, endpoint, accountId="user 7")
    rows = db.rows("select environment_id, identifier from perdure.external_accounts")
    assert sorted((row.environment_id, row.identifier) for row in rows) == sorted(
        (endpoint.environment.id, "user 7") for endpoint in (one, other)
    )


@pytest.mark.parametrize("account", ["", 7, {}, ["a"]])
def test_an_account_must_be_a_text(db: Database, builders: Builders, account: object) -> None:
    with refused("JQ010", "p_options.accountId"):
        send(db, builders.endpoint(), accountId=account)
