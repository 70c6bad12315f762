"""Every page: accessible by axe, in both themes, no wider than a phone; and a picture of each if wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, StorageState, expect

from tests.browser.conftest import NewPage
from tests.browser.looks import problems
from tests.browser.people import EMAIL
from tests.browser.system import Environment, System
from tests.support.builders import Builders, job
from tests.support.builders import Environment as BuiltEnvironment


@dataclass(frozen=True, slots=True)
class Furnished:
    """The environment ``works`` when a lot has happened there."""

    environment: Environment
    runs: dict[str, str]
    """Runs by how they stand."""
    event: str
    fingerprint: str
    failed_task: str
    schedule: str
    http_endpoint: str
    delivery: str
    webhook: str
    bulk_action: str

    def path(self, rest: str = "") -> str:
        """Of a page of the environment."""
        return self.environment.path + rest


@pytest.fixture(scope="module")
def furnished(system: System, works: Environment) -> Furnished:
    """One of everything."""
    for order in range(12):
        system.start(works, "order.paid", {"order": order, "lines": [{"sku": "A-1", "count": order}] * 3})
        system.start(works, "parcel.wanted", {"order": order + 1, "size": "large", "note": "With care"})
    runs = {
        "failed": system.start(works, "order.paid", {"order": 1042}),
        "done": system.start(works, "steps.wanted", {}),
        "asleep": system.start(works, "reminder.wanted", {"user": "ada@example.com"}),
    }
    failed = runs["failed"]
    with system.api(works) as api:
        api.put(f"/api/v1/runs/{failed}/metadata", json={"addTags": ["customer-7", "priority"]})
        for endpoint in api.get("/api/v1/http-endpoints").json():  # the webhook's is among them
            api.post(endpoint["url"], json={"parcel": 7}, headers={"x-sign": "forged"})
    system.wait(failed, "FAILURE")
    system.wait(runs["done"], "SUCCESS")
    system.wait(runs["asleep"], "WAITING_TO_CONTINUE")

    def one_of(table: str, condition: str, *values: str) -> str:
        query = f"select id from perdure.{table} where {condition} order by id desc limit 1"
        found: str = system.db.value(query, *values)
        return found

    here = "environment_id = %s"
    system.db.call("begin_bulk_action", works.id, "RERUN", {"text": "no such run"})
    return Furnished(
        works,
        runs,
        event=system.db.value("select event_id from perdure.runs where id = %s", failed),
        fingerprint=system.db.value("select fingerprint from perdure.run_failures where run_id = %s", failed),
        failed_task=one_of("tasks", "run_id = %s and status = 'ERRORED'", failed),
        schedule=one_of("schedules", here, works.id),
        http_endpoint=one_of("http_endpoints", here, works.id),
        delivery=one_of("deliveries", here, works.id),
        webhook=one_of("webhooks", here, works.id),
        bulk_action=one_of("bulk_actions", here, works.id),
    )


PAGES: dict[str, Callable[[Furnished], str]] = {
    "home": lambda _: "/dashboard/",
    "organizations": lambda _: "/dashboard/organizations",
    "organization": lambda _: "/dashboard/orgs/acme",
    "members": lambda _: "/dashboard/orgs/acme/members",
    "audit": lambda _: "/dashboard/orgs/acme/audit",
    "account": lambda _: "/dashboard/account",
    "overview": lambda here: here.path(),
    "runs": lambda here: here.path("/runs"),
    "runs-filtered": lambda here: here.path("/runs?status=failed&text=1042"),
    "run-failed": lambda here: here.path(f"/runs/{here.runs['failed']}"),
    "run-failed-task": lambda here: here.path(f"/runs/{here.runs['failed']}?task={here.failed_task}"),
    "run-done": lambda here: here.path(f"/runs/{here.runs['done']}"),
    "run-asleep": lambda here: here.path(f"/runs/{here.runs['asleep']}"),
    "run-logs": lambda here: here.path(f"/runs/{here.runs['done']}?view=logs"),
    "run-requests": lambda here: here.path(f"/runs/{here.runs['done']}?view=requests"),
    "run-event": lambda here: here.path(f"/runs/{here.runs['failed']}?view=event"),
    "run-rerun": lambda here: here.path(f"/runs/{here.runs['failed']}/rerun"),
    "run-compare": lambda here: here.path(f"/runs/{here.runs['failed']}/compare?with={here.runs['done']}"),
    "errors": lambda here: here.path("/errors"),
    "error": lambda here: here.path(f"/errors/{here.fingerprint}"),
    "dead-letters": lambda here: here.path("/dead-letters"),
    "jobs": lambda here: here.path("/jobs"),
    "job": lambda here: here.path("/jobs/pack"),
    "job-test": lambda here: here.path("/jobs/pack/test"),
    "events": lambda here: here.path("/events"),
    "event": lambda here: here.path(f"/events/{here.event}"),
    "run-output": lambda here: here.path(f"/runs/{here.runs['failed']}/tasks/{here.failed_task}/output"),
    "bulk-actions": lambda here: here.path("/bulk-actions"),
    "bulk-action-new": lambda here: here.path("/bulk-actions/new?kind=CANCEL&job=pack"),
    "bulk-action": lambda here: here.path(f"/bulk-actions/{here.bulk_action}"),
    "triggers": lambda here: here.path("/triggers"),
    "schedule": lambda here: here.path(f"/triggers/schedules/{here.schedule}"),
    "sources": lambda here: here.path("/triggers/sources"),
    "webhook": lambda here: here.path(f"/triggers/webhooks/{here.webhook}"),
    "http-endpoints": lambda here: here.path("/triggers/http-endpoints"),
    "http-endpoint": lambda here: here.path(f"/triggers/http-endpoints/{here.http_endpoint}"),
    "delivery": lambda here: here.path(f"/triggers/deliveries/{here.delivery}"),
    "settings": lambda here: here.path("/settings"),
    "keys": lambda here: here.path("/settings/keys"),
    "endpoints": lambda here: here.path("/settings/endpoints"),
    "environment": lambda here: here.path("/settings/environment"),
    "not-found": lambda here: here.path("/runs/nothing"),
}
"""Pages for who has logged in, by name."""


@pytest.fixture(scope="module")
def reader(system: System, browser: Browser, login: StorageState) -> Iterator[Page]:
    """The owner's browser, one for all pages."""
    with browser.new_context(base_url=system.url, storage_state=login) as context:
        yield context.new_page()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_looks_right(furnished: Furnished, reader: Page, packages: Path, name: str) -> None:
    answer = reader.goto(PAGES[name](furnished))
    assert answer is not None
    assert answer.status == (404 if name == "not-found" else 200)
    found = problems(reader, packages, name)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", ["login", "owner", "invitation", "password-reset"])
def test_a_page_before_the_login_looks_right(new_page: NewPage, packages: Path, name: str) -> None:
    page = new_page()
    page.goto(f"/dashboard/{name}?link=x")
    found = problems(page, packages, name)
    assert not found, "\n".join(found)


SOURCE = {
    "version": "2",
    "channel": "HTTP",
    "integration": {"id": "github", "metadata": {"id": "github", "name": "GitHub"}, "authSource": "LOCAL"},
    "key": "github.acme.site",
    "params": {"repo": "site"},
    "options": {"event": ["issues"]},
}


def test_the_page_of_a_source_looks_right(system: System, reader: Page, packages: Path) -> None:
    elsewhere = system.environment("sources")
    builders = Builders(system.db)
    place = BuiltEnvironment(elsewhere.id, elsewhere.project, elsewhere.slug, elsewhere.key)
    builders.endpoint(job(), sources=[SOURCE], environment=place)
    source = system.db.value("select id from perdure.sources where environment_id = %s", elsewhere.id)
    reader.goto(f"{elsewhere.path}/triggers/sources/{source}")
    expect(reader.get_by_role("heading", level=1)).to_contain_text("github.acme.site")
    found = problems(reader, packages, "source")
    assert not found, "\n".join(found)


def test_the_page_of_a_new_password_looks_right(
    system: System, reader: Page, page: Page, packages: Path
) -> None:
    secret = system.db.call("issue_password_reset", EMAIL)
    page.goto(f"/dashboard/password-reset?link={secret}")
    expect(page.get_by_label("New password")).to_be_visible()
    found = problems(page, packages, "password-reset")
    assert not found, "\n".join(found)
