"""Errors as people see them: grouped, readable, of their environment only, and harmless."""

from __future__ import annotations

from typing import Any

from tests.server.dashboard.browser import words
from tests.server.dashboard.conftest import Office
from tests.support.builders import Builders, Endpoint, Run, job, task

HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)> & {{ 7 * 7 }}"


def endpoint(builders: Builders) -> Endpoint:
    """An app with two jobs in an environment of the organization acme."""
    return builders.endpoint(
        job(), job("pay", event="pay"), environment=builders.environment("prod", project="shop")
    )


def fails(builders: Builders, app: Endpoint, event: str, error: dict[str, Any]) -> Run:
    run = builders.run(app, event=event)
    claim = builders.claim(run)
    claim.reply("ERROR", error=error, task={"id": None, **task("charge-17")})
    return run


HERE = "/dashboard/orgs/acme/projects/shop/prod"


async def test_failures_that_look_alike_are_one_row(office: Office, builders: Builders):
    app = endpoint(builders)
    for number in range(3):
        fails(builders, app, "pay", {"message": f"no order {number}", "name": "OrderMissing"})
    fails(builders, app, "greet", {"message": HOSTILE, "name": HOSTILE})
    browser = await office.visitor("viewer")
    page = (await browser.open(f"{HERE}/errors")).text
    assert "OrderMissing no order 2 in task charge-17 pay 3" in words(page)
    assert page.count('class="error"') == 2
    assert "<script>alert" not in page
    assert "<img" not in page.partition("<main")[2]
    assert "49" not in page.partition("onerror")[2][:40]
    only = words((await browser.open(f"{HERE}/errors?job=greet")).text)
    assert "OrderMissing" not in only


async def test_an_error_shows_its_stack_and_its_runs(office: Office, builders: Builders):
    app = endpoint(builders)
    runs = [
        fails(
            builders,
            app,
            "pay",
            {"message": f"no order {n}", "name": "OrderMissing", "stack": f"at line {n}"},
        )
        for n in range(2)
    ]
    other = builders.environment("stg", project="shop")
    fingerprint = office.db.value("select fingerprint from perdure.run_failures limit 1")
    browser = await office.visitor("viewer")
    page = await browser.open(f"{HERE}/errors/{fingerprint}")
    assert "at line 1" in page.text
    assert all(f'href="{HERE}/runs/{run.id}"' in page.text for run in runs)
    assert f'href="{HERE}/runs?fingerprint={fingerprint}"' in page.text
    elsewhere = HERE.replace("prod", other.slug)
    assert (await browser.open(f"{elsewhere}/errors/{fingerprint}")).status_code == 404
    assert "no order" not in (await browser.open(f"{elsewhere}/errors")).text
    assert (await browser.open(f"{HERE}/errors/none")).status_code == 404
    assert (await browser.open(f"{HERE}/errors?below=none&time=none")).status_code == 200


async def test_more_errors_than_a_page_holds(office: Office, builders: Builders):
    app = endpoint(builders)
    fails(builders, app, "pay", {"message": "first", "name": "OrderMissing"})
    office.db.execute(
        """
        insert into perdure.run_failures
        select
            perdure.new_id(), environment_id, job_id, md5(n::text)::uuid, null, now(), status,
            'Kind' || n, 'x'
        from perdure.run_failures, generate_series(1, 30) as n
        """
    )
    browser = await office.visitor("viewer")
    page = await browser.open(f"{HERE}/errors?time=day")
    assert page.text.count('class="error"') == 25
    older = page.text.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0]
    rest = await browser.open(older.replace("&amp;", "&"))
    assert rest.text.count('class="error"') == 6
    assert "OrderMissing" in rest.text
    assert "Newest" in words(rest.text)
