"""The list of runs as a person uses it: a long search, a time marked in the chart, all canceled at once."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.system import ORGANIZATION, System
from tests.support.builders import Builders, Environment, job


@pytest.fixture
def quiet(system: System, login: object) -> Environment:
    """An environment that is paused: its runs stay where they are."""
    build = Builders(system.db)
    made = system.environment("quiet")
    environment = Environment(made.id, made.project, made.slug, made.key)
    build.endpoint(job("count", event="counted"), environment=environment, slug="quiet")
    system.db.call("pause_environment", made.id, "ann", "stocktaking")
    return environment


def path_of(environment: Environment, rest: str) -> str:
    """Of a page of the environment."""
    return f"/dashboard/orgs/{ORGANIZATION}/projects/{environment.project}/{environment.slug}{rest}"


def test_a_long_search_a_marked_time_and_a_bulk_action(
    system: System, quiet: Environment, owner: Page
) -> None:
    system.db.call("send_events", quiet.id, [{"name": "counted", "payload": {"note": "needle"}}])
    for _ in range(3):
        system.db.call("send_events", quiet.id, [{"name": "counted"}] * 900)

    # What is asked for lies behind more runs than one look takes: the page goes on until all were looked at.
    owner.goto(path_of(quiet, "/runs?text=needle"))
    rows = owner.locator("tbody[data-runs] tr")
    expect(rows).to_have_count(1)
    expect(owner.locator("[data-search-on]")).to_have_count(0)
    expect(rows.get_by_text("count", exact=False).first).to_be_visible()

    # In the chart, with the keyboard: the newest bar, then the four before it, too.
    owner.goto(path_of(quiet, "/runs"))
    expect(rows).to_have_count(50)
    chart = owner.locator("[data-brush]")
    for key in ("ArrowLeft", "Shift+ArrowLeft", "Shift+ArrowLeft", "Enter"):
        chart.press(key)
    expect(owner).to_have_url(re.compile(r"from=.*&to="))
    expect(rows).to_have_count(50)
    # And with the mouse, over all of it.
    box = owner.locator("[data-brush]").bounding_box()
    assert box is not None
    owner.mouse.move(box["x"] + 2, box["y"] + box["height"] / 2)
    owner.mouse.down()
    owner.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=4)
    shown = owner.url
    owner.mouse.up()
    expect(owner).not_to_have_url(shown)

    # Boxes: all of the page at once.
    owner.goto(path_of(quiet, "/runs"))
    owner.get_by_label("Choose all runs of this page").check()
    expect(owner.get_by_text("With the 50 chosen runs:")).to_be_visible()

    # Everything that matches, watched without a reload.
    owner.get_by_text("With all that match").click()
    owner.get_by_role("link", name="Cancel all…").click()
    expect(owner.get_by_text("2,701 runs")).to_be_visible()
    owner.get_by_role("button", name="Cancel them all").click()
    progress = owner.get_by_role("region", name="Progress")
    expect(progress).to_contain_text("Completed", timeout=60_000)
    expect(progress).to_contain_text("2,701")
    query = "select count(*) from perdure.runs where environment_id = %s and status = 'CANCELED'"
    assert system.db.value(query, quiet.id) == 2701
