"""Dead letters as people see and redrive them."""

from __future__ import annotations

from tests.server.dashboard.browser import words
from tests.server.dashboard.conftest import Office
from tests.support.builders import Builders, Environment, Run

ACME = "/dashboard/orgs/acme/projects/shop"


def abandoned(builders: Builders, environment: Environment, count: int) -> list[Run]:
    """Runs whose app did not answer."""
    runs = builders.runs(count, builders.endpoint(environment=environment))
    for claim in builders.claims():
        claim.apply("UNREACHABLE", message="<b>nobody</b> there")
    return runs


async def test_a_dead_letter_goes_on(office: Office, builders: Builders):
    first, second = abandoned(builders, builders.environment("dev", project="shop"), 2)
    (elsewhere,) = abandoned(builders, builders.environment("dev", project="other"), 1)
    here = f"{ACME}/dev/dead-letters"
    viewer = await office.visitor("viewer")
    page = await viewer.open(here)
    assert "&lt;b&gt;nobody&lt;/b&gt; there" in page.text
    assert elsewhere.id not in page.text
    assert "redrive" not in page.text.partition("<table")[2]

    member = await office.visitor("member")
    sent = await member.send(here, f"{here}/{first.id}/redrive")
    assert (sent.status_code, sent.headers["location"]) == (303, here)
    assert (first.status, second.status) == ("QUEUED", "FAILURE")
    assert (await member.post(f"{here}/{elsewhere.id}/redrive", csrf="")).status_code == 403
    token = (await member.open(here)).text.partition('name="csrf" value="')[2].partition('"')[0]
    assert (await member.post(f"{here}/{elsewhere.id}/redrive", csrf=token)).status_code == 404
    assert elsewhere.status == "FAILURE"


async def test_all_go_on_and_it_is_written_down(office: Office, builders: Builders):
    environment = builders.environment("dev", project="shop")
    runs = abandoned(builders, environment, 3)
    (elsewhere,) = abandoned(builders, builders.environment("dev", project="other"), 1)
    here = f"{ACME}/dev/dead-letters"
    member = await office.visitor("member")
    await member.send(here, f"{here}/redrive")
    page = words((await member.open(here)).text)
    assert "3 runs of the dead letters go on." in page
    assert "No dead letters" in page
    assert ({run.status for run in runs}, elsewhere.status) == ({"QUEUED"}, "FAILURE")
    (entry,) = office.db.rows(
        "select action, object, environment_id, after from perdure.audit_log where action = 'run.redrive'"
    )
    assert entry == ("run.redrive", "all dead letters", environment.id, {"runs": 3})
