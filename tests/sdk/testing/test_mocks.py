"""Mocks of integrations and tasks: what is around the mocked call stays real."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from perdure import (
    IO,
    Integration,
    IntegrationTasks,
    IOType,
    Perdure,
    SyncIO,
    TaskFailed,
    event_trigger,
    operation,
)
from perdure.job import AnyJob
from perdure.testing import Platform, SyncPlatform


class Issue(BaseModel):
    """What the tracker returns."""

    number: int
    title: str = "a title"


class TrackerTasks(IntegrationTasks[None, IOType]):
    """Calls of a service that must not be called here."""

    @operation()
    async def create_issue(self, *, title: str) -> Issue:
        """Create an issue."""
        raise AssertionError("the service was called")


class Tracker(Integration[TrackerTasks[IO], TrackerTasks[SyncIO]]):
    """An integration as people write them."""

    kind = "tracker"
    title = "Tracker"
    icon = "tracker"


class Filing:
    """An app whose job files an issue."""

    def __init__(self) -> None:
        self.app = Perdure("filing")
        self.tracker = Tracker("tracker")
        self.file = self._declare()

    def _declare(self) -> AnyJob:
        @self.app.job(id="file", version="1.0.0", on=event_trigger("file"), integrations=[self.tracker])
        async def file(payload: Any, io: IO) -> str:
            try:
                issue = await io.tracker.create_issue("file it", title="broken")
            except TaskFailed as failure:
                return f"failed: {failure.message}"
            assert isinstance(issue, Issue)
            return f"#{issue.number} {await io.run_task('greet', lambda: 'hello')}"

        return file


async def test_a_method_of_an_integration(perdure_platform: Platform) -> None:
    filing = Filing()
    mock = perdure_platform.mock("tracker", "create_issue", returns={"number": 7})
    run = await perdure_platform.start(filing.file)
    assert run.output == "#7 hello"
    (call,) = mock.calls
    assert (call.key, call.kwargs) == ("file it", {"title": "broken"})
    task = run.task("file it")
    assert (task.name, task.params, task.output) == (
        "Create issue",
        {"title": "broken"},
        {"number": 7, "title": "a title"},
    )


async def test_a_mock_may_be_given_the_integration_and_a_function(perdure_platform: Platform) -> None:
    filing = Filing()

    async def create(*, title: str) -> Issue:
        return Issue(number=len(title))

    perdure_platform.mock(filing.tracker, "create_issue", side_effect=create)
    assert (await perdure_platform.start(filing.file)).output == "#6 hello"


async def test_errors_are_tried_again_as_ever(perdure_platform: Platform) -> None:
    filing = Filing()
    answers = [ConnectionError("gone"), ConnectionError("gone"), Issue(number=3)]
    mock = perdure_platform.mock(filing.tracker, "create_issue", side_effect=answers)
    run = await perdure_platform.start(filing.file)
    assert len(mock.calls) == 1
    await run.finish()
    assert run.output == "#3 hello"
    assert run.task("file it").attempts == 3


async def test_an_error_for_good(perdure_platform: Platform) -> None:
    perdure_platform.mock("tracker", "create_issue", raises=PermissionError("not yours"))
    run = await perdure_platform.start(Filing().file)
    await run.finish()
    assert run.output == "failed: not yours"


async def test_a_result_that_the_task_cannot_have(perdure_platform: Platform) -> None:
    perdure_platform.mock("tracker", "create_issue", returns={"title": "no number"})
    run = await perdure_platform.start(Filing().file)
    assert run.output.startswith("failed: what the mock of 'file it' returns is no result of the task: ")
    assert "number: Field required" in run.output


async def test_a_task_by_its_key(perdure_platform: Platform) -> None:
    perdure_platform.mock("tracker", "create_issue", returns=Issue(number=7))
    greet = perdure_platform.mock_task("greet", returns="goodbye")
    assert (await perdure_platform.start(Filing().file)).output == "#7 goodbye"
    assert [call.key for call in greet.calls] == ["greet"]


async def test_mocks_end_with_the_test(perdure_platform: Platform) -> None:
    filing = Filing()
    perdure_platform.mock("tracker", "create_issue", returns={"number": 7})
    await perdure_platform.start(filing.file)
    perdure_platform.reset()
    run = await perdure_platform.start(filing.file)
    await run.finish()
    assert run.output == "failed: the service was called"


def test_plain_jobs_too(perdure_platform_sync: SyncPlatform) -> None:
    app = Perdure("plain-filing")

    tracker = Tracker("tracker")

    @app.job(id="plain", version="1.0.0", on=event_trigger("plain"), integrations=[tracker])
    def plain(payload: Any, io: SyncIO) -> str:
        issue = io.tracker.with_options(retry=None).create_issue("file it", title="broken")
        return f"#{issue.number} {io.run_task('greet', lambda: 'hello')}"

    perdure_platform_sync.mock(tracker, "create_issue", returns=Issue(number=7))
    mock = perdure_platform_sync.mock_task("greet", side_effect=lambda: "goodbye")
    assert perdure_platform_sync.start(plain).output == "#7 goodbye"
    assert len(mock.calls) == 1


@pytest.mark.perdure(crash="everywhere")
async def test_with_crashes(perdure_platform: Platform) -> None:
    perdure_platform.mock("tracker", "create_issue", returns={"number": 7})
    assert (await perdure_platform.start(Filing().file)).output == "#7 hello"
