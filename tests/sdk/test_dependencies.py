"""Dependencies: made for each execution, as the job's annotations say, and cleaned up after it."""

import threading
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import pytest

from perdure import IO, ConfigurationError, Context, Depends, Perdure, SyncIO, event_trigger
from tests.sdk.fake_platform import FakePlatform

ON = event_trigger("test.event")
log: list[str] = []


@pytest.fixture(autouse=True)
def _empty_log() -> None:
    log.clear()


class Settings:
    def __init__(self) -> None:
        log.append("settings")
        self.url = "db://main"


async def session(settings: Annotated[Settings, Depends(Settings)]) -> AsyncIterator[str]:
    log.append("open")
    try:
        yield f"session of {settings.url}"
    finally:
        log.append("close")


def mailer(settings: Annotated[Settings, Depends(Settings)], ctx: Context) -> str:
    return f"mailer of {settings.url} for {ctx.job.id}"


async def test_dependencies_are_made_once_and_closed_at_the_end(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(
        payload: Any,
        io: IO,
        *,
        db: Annotated[str, Depends(session)],
        mail: Annotated[str, Depends(mailer)],
        ctx: Context,
    ) -> list[str]:
        log.append("job")
        return [db, mail, ctx.job.id]

    reply = await platform.execute(app, platform.start("job"))
    assert reply["output"] == ["session of db://main", "mailer of db://main for job", "job"]
    assert log == ["settings", "open", "job", "close"]


async def test_they_are_closed_when_the_run_waits_and_made_again_later(
    app: Perdure, platform: FakePlatform
) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO, db: Annotated[str, Depends(session)]) -> None:
        await io.wait("pause", 60)

    await platform.finish(app, platform.start("job"))
    assert log == ["settings", "open", "close"] * 2


async def test_a_factory_that_fails_fails_the_run(app: Perdure, platform: FakePlatform) -> None:
    def broken() -> str:
        raise ConnectionError("the database is away")

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO, db: Annotated[str, Depends(broken)]) -> None: ...

    reply = await platform.execute(app, platform.start("job"))
    assert (reply["status"], reply["error"]["name"]) == ("ERROR", "ConnectionError")


async def test_a_plain_jobs_dependencies_live_in_its_thread(app: Perdure, platform: FakePlatform) -> None:
    def connection() -> Iterator[int]:
        log.append("open")
        yield threading.get_ident()
        log.append("close")

    @app.job(id="job", version="1.0.0", on=ON)
    def job(payload: Any, io: SyncIO, *, thread: Annotated[int, Depends(connection)]) -> bool:
        return thread != main

    main = threading.get_ident()
    assert (await platform.execute(app, platform.start("job")))["output"] is True
    assert log == ["open", "close"]


async def test_tests_replace_a_factory(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO, db: Annotated[str, Depends(session)]) -> str:
        return db

    app.dependency_overrides[session] = lambda: "a fake"
    assert (await platform.execute(app, platform.start("job")))["output"] == "a fake"
    assert log == []


async def test_the_bare_function_takes_them_as_arguments() -> None:
    app = Perdure("acme")

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: int, io: Any, *, db: Annotated[str, Depends(session)]) -> str:
        return f"{payload} {db}"

    assert await job(1, None, db="a fake") == "1 a fake"


def test_a_parameter_that_nothing_fills_is_refused() -> None:
    async def job(payload: Any, io: IO, *, db: str) -> None: ...

    with pytest.raises(ConfigurationError, match="nothing fills the parameter 'db'"):
        Perdure("acme").job(id="job", version="1.0.0", on=ON)(job)
