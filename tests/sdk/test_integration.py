"""Integrations: reached by name, each call a task with the right shape."""

from datetime import UTC, datetime
from typing import Any

import pytest

from perdure import IO, ConfigurationError, Integration, IntegrationTasks, Perdure, RetryAt, event_trigger
from tests.sdk.fake_platform import FakePlatform

ON = event_trigger("test.event")


class MailTasks(IntegrationTasks):
    def __init__(self, mail: "Mail", io: IO) -> None:
        super().__init__(mail, io)
        self._mail = mail

    async def send(self, key: str, *, to: str) -> dict[str, str]:
        async def call() -> dict[str, str]:
            if self._mail.limited:
                self._mail.limited = False
                raise ConnectionRefusedError("rate limited")
            return {"to": to}

        return await self.run_task(
            key, call, name="Send mail", params={"to": to}, properties={"To": to}, on_error=self._mail.when
        )


class Mail(Integration):
    kind = "mail"
    title = "Mail"
    icon = "envelope"
    limited = False
    binds = 0

    def when(self, error: Exception) -> RetryAt | None:
        return RetryAt(datetime(2030, 1, 1, tzinfo=UTC))

    def bind(self, io: IO) -> MailTasks:
        self.binds += 1
        return MailTasks(self, io)


async def test_a_call_is_a_task_with_the_integrations_look(app: Perdure, platform: FakePlatform) -> None:
    mail = Mail("post")

    @app.job(id="job", version="1.0.0", on=ON, integrations=[mail])
    async def job(payload: Any, io: IO) -> Any:
        await io.post.send("first", to="a@example.com")
        return await io.post.send("second", to="b@example.com")

    run = platform.start("job")
    assert (await platform.execute(app, run))["output"] == {"to": "b@example.com"}
    row = run.row("first")
    assert (row["name"], row["icon"], row["connectionKey"]) == ("Send mail", "envelope", "post")
    assert row["params"] == {"to": "a@example.com"}
    assert row["properties"] == [{"label": "To", "text": "a@example.com"}]
    assert mail.binds == 1


async def test_a_rate_limit_is_retried_at_its_reset_with_the_standard_backoff(
    app: Perdure, platform: FakePlatform
) -> None:
    mail = Mail("mail")
    mail.limited = True

    @app.job(id="job", version="1.0.0", on=ON, integrations=[mail])
    async def job(payload: Any, io: IO) -> Any:
        return await io.mail.send("send", to="a@example.com")

    run = platform.start("job")
    reply = await platform.execute(app, run)
    assert (reply["status"], reply["retryAt"]) == ("RETRY_WITH_TASK", "2030-01-01T00:00:00Z")
    assert reply["retry"]["limit"] == 8
    assert (await platform.finish(app, run))["status"] == "SUCCESS"


async def test_a_key_used_twice_through_an_integration_names_the_users_lines(
    app: Perdure, platform: FakePlatform
) -> None:
    mail = Mail("mail")

    @app.job(id="job", version="1.0.0", on=ON, integrations=[mail])
    async def job(payload: Any, io: IO) -> None:
        await io.mail.send("send", to="a@example.com")
        await io.mail.send("send", to="b@example.com")

    reply = await platform.execute(app, platform.start("job"))
    assert reply["error"]["name"] == "DuplicateTaskKey"


async def test_an_integration_the_job_does_not_have_is_named(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON, integrations=[Mail("mail")])
    async def job(payload: Any, io: IO) -> None:
        io.slack  # noqa: B018

    error = (await platform.execute(app, platform.start("job")))["error"]
    assert error["message"].startswith("io.slack: this job has no integration of that name (it has mail)")


@pytest.mark.parametrize("name", ["two words", "", "_private", "1st"])
def test_a_name_that_is_no_attribute_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="must be a Python identifier"):
        Mail(name)


@pytest.mark.parametrize("name", ["run_task", "wait", "logger"])
def test_a_name_that_would_hide_ios_own_is_refused(name: str) -> None:
    async def fn(payload: Any, io: IO) -> None: ...

    with pytest.raises(ConfigurationError, match="would hide io's own"):
        Perdure("acme").job(id="job", version="1.0.0", on=ON, integrations=[Mail(name)])(fn)


def test_two_integrations_of_one_name_are_refused() -> None:
    async def fn(payload: Any, io: IO) -> None: ...

    with pytest.raises(ConfigurationError, match="two integrations are named 'mail'"):
        Perdure("acme").job(id="job", version="1.0.0", on=ON, integrations=[Mail("mail"), Mail("mail")])(fn)
