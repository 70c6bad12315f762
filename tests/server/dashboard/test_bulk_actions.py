"""Many runs at once on the dashboard: asked, begun, watched, stopped."""

from __future__ import annotations

import re

import pytest

from tests.server.dashboard.browser import words
from tests.server.dashboard.conftest import Office
from tests.support.builders import Builders, Endpoint, job

HERE = "/dashboard/orgs/acme/projects/shop/dev"


@pytest.fixture
def endpoint(office: Office) -> Endpoint:
    """An app with two jobs in acme's project shop."""
    build = Builders(office.db)
    return build.endpoint(
        job("ship", event="ship"),
        job("bill", event="bill"),
        environment=build.environment("dev", project="shop"),
    )


def statuses(office: Office) -> list[str]:
    return [row.status for row in office.db.rows("select status from perdure.runs order by id")]


def csrf_token(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]*)"', page)
    assert found
    return found[1]


async def test_chosen_runs_are_canceled_and_what_was_skipped_is_said(
    office: Office, endpoint: Endpoint
) -> None:
    done, chosen, _other = Builders(office.db).runs(3, endpoint, event="ship")
    (claim,) = [one for one in Builders(office.db).claims(1) if one.run_id == done.id]
    claim.reply("SUCCESS")
    browser = await office.visitor("member")
    token = csrf_token((await browser.open(f"{HERE}/runs")).text)
    boxes = {f"run.{run.id}": "on" for run in (done, chosen)}
    begun = await browser.post(f"{HERE}/bulk-actions", csrf=token, kind="CANCEL", **boxes)
    assert begun.status_code == 303
    office.db.call("promote_due")
    page = (await browser.open(begun.headers["location"])).text
    text = words(page)
    assert "Completed" in text
    assert "It had already ended: SUCCESS." in text
    assert statuses(office) == ["SUCCESS", "CANCELED", "QUEUED"]


async def test_all_that_match_are_asked_for_and_then_canceled(office: Office, endpoint: Endpoint) -> None:
    office.db.call("send_events", endpoint.environment.id, [{"name": "ship"}] * 250)
    Builders(office.db).run(endpoint, event="bill")
    browser = await office.visitor("member")
    question = f"{HERE}/bulk-actions/new?kind=CANCEL&job=ship"
    asked = words((await browser.open(question)).text)
    assert "Cancel all runs that match?" in asked
    assert "That concerns 250 runs." in asked, asked[-400:]
    assert statuses(office).count("CANCELED") == 0
    begun = await browser.send(question, f"{HERE}/bulk-actions")
    progress = begun.headers["location"]
    assert "Under way" in words((await browser.open(progress)).text)
    assert "Canceling runs" in words((await browser.open(f"{HERE}/runs")).text)
    office.db.call("promote_due")
    assert "Canceled 200" in words((await browser.open(progress)).text)
    stopped = await browser.send(progress, f"{progress}/stop")
    assert stopped.headers["location"] == progress
    office.db.call("promote_due")
    text = words((await browser.open(progress)).text)
    assert "It was stopped." in text
    assert statuses(office).count("CANCELED") == 200
    assert "Stopped" in words((await browser.open(f"{HERE}/bulk-actions")).text)
    assert [entry[1] for entry in office.people.log()[:2]] == ["bulk_action.stop", "bulk_action.begin"]
    assert office.people.log()[1][4]["filter"] == "job=ship"


async def test_failed_runs_are_continued_and_rerun(office: Office, endpoint: Endpoint) -> None:
    build = Builders(office.db)
    build.runs(2, endpoint, event="ship")
    for claim in build.claims():
        claim.reply("ERROR", error={"message": "no stock"})
    browser = await office.visitor("member")
    for kind, expected in (("RERUN", ["FAILURE"] * 2 + ["QUEUED"] * 2), ("CONTINUE", ["QUEUED"] * 4)):
        question = f"{HERE}/bulk-actions/new?kind={kind}&status=failed"
        assert "That concerns 2 runs." in words((await browser.open(question)).text)
        await browser.send(question, f"{HERE}/bulk-actions")
        office.db.call("promote_due")
        assert statuses(office) == expected


async def test_nobody_else_can_see_or_begin_one(office: Office, endpoint: Endpoint) -> None:
    run = Builders(office.db).run(endpoint, event="ship")
    viewer, member = await office.visitor("viewer"), await office.visitor("member")
    assert (await viewer.open(f"{HERE}/bulk-actions/new?kind=CANCEL")).status_code == 403
    assert "Cancel all" not in (await viewer.open(f"{HERE}/runs")).text
    action = office.db.call("begin_bulk_action", endpoint.environment.id, "CANCEL", run_ids=[run.id])
    assert (await viewer.open(f"{HERE}/bulk-actions/{action}")).status_code == 200
    assert "/stop" not in (await viewer.open(f"{HERE}/bulk-actions/{action}")).text
    Builders(office.db).environment("prod", project="shop")
    elsewhere = HERE.replace("/dev", "/prod")
    assert (await member.open(f"{elsewhere}/bulk-actions/{action}")).status_code == 404
    # A run of another environment is not touched, whoever names it.
    token = csrf_token((await member.open(f"{HERE}/runs")).text)
    begun = await member.post(
        f"{elsewhere}/bulk-actions", csrf=token, kind="CANCEL", **{f"run.{run.id}": "on"}
    )
    office.db.call("stop_bulk_action", endpoint.environment.id, action)
    office.db.call("promote_due")
    assert "There is no such run here." in words((await member.open(begun.headers["location"])).text)
    assert statuses(office) == ["QUEUED"]


async def test_nothing_chosen_is_said(office: Office, endpoint: Endpoint) -> None:
    Builders(office.db).run(endpoint, event="ship")
    browser = await office.visitor("member")
    token = csrf_token((await browser.open(f"{HERE}/runs")).text)
    answer = await browser.post(f"{HERE}/bulk-actions", csrf=token, kind="CANCEL")
    assert answer.headers["location"] == f"{HERE}/runs"
    assert "No run is chosen." in words((await browser.open(f"{HERE}/runs")).text)
    wrong = await browser.post(f"{HERE}/bulk-actions", csrf=token, kind="DELETE")
    assert (wrong.status_code, "kind: must be CANCEL" in words(wrong.text)) == (400, True)
