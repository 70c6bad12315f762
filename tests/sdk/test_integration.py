"""Integrations: reached by name, each call a task with the right shape, in async and plain jobs."""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from perdure import (
    IO,
    ConfigurationError,
    Credentials,
    GiveUp,
    Integration,
    IntegrationTasks,
    IOType,
    Perdure,
    Retry,
    RetryAt,
    SyncIO,
    client_method,
    event_trigger,
    operation,
)
from tests.sdk.fake_platform import FakePlatform, FakeRun

ON = event_trigger("test.event")
LATER = datetime(2030, 1, 1, tzinfo=UTC)


class Letter(BaseModel):
    to: str
    token: str


class Refused(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


class Client:
    """A mail service's client; ``failures`` are raised by the next calls."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.failures: list[Exception] = []
        self.sent: list[str] = []
        self.threads: list[int] = []

    async def send(self, to: str) -> Letter:
        self.threads.append(threading.get_ident())
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append(to)
        return Letter(to=to, token=self.token)

    def count(self, to: str, *, unread: bool = False) -> int:
        """Count letters."""
        self.threads.append(threading.get_ident())
        return len(self.sent)


class MailTasks(IntegrationTasks[Client, IOType]):
    @operation("Send mail", properties={"To": "{to}", "Copies": "{copies}"}, hide=["text"])
    async def send(
        self, *, to: str, text: str = "", password: str = "", copies: Sequence[str] | None = None
    ) -> Letter:
        """Send a letter."""
        return await self.client.send(to)

    @operation(retry=None, on_error=lambda error: RetryAt(LATER))
    async def send_later(self, *, to: str) -> Letter:
        return await self.client.send(to)

    @operation(retry=Retry(limit=2), timeout=timedelta(seconds=5), icon="pigeon", description="By air.")
    async def send_twice(self, /, to: str, **more: int) -> Letter:
        return await self.client.send(to)

    @operation()
    def thread_of(self) -> int:
        return threading.get_ident()

    count = client_method(Client.count, properties={"To": "{to}"})


class Mail(Integration[MailTasks[IO], MailTasks[SyncIO]]):
    kind = "mail"
    title = "Mail"
    icon = "envelope"
    token_variable = "MAIL_TOKEN"

    def connect(self, credentials: Credentials) -> Client:
        return Client(credentials.token)

    def explain(self, error: Exception) -> Exception:
        return ValueError("no such person") if isinstance(error, KeyError) else error


@pytest.fixture
def mail() -> Mail:
    return Mail("mail", token="t")


class Calls:
    """A job that does what a test says, and its run."""

    def __init__(self, app: Perdure, platform: FakePlatform, mail: Mail, fn: Any) -> None:
        self._app = app
        self._platform = platform
        app.job(id="job", version="1.0.0", on=ON, integrations=[mail])(fn)
        self.run: FakeRun = platform.start("job")

    async def execute(self) -> Any:
        return await self._platform.execute(self._app, self.run)


async def test_a_call_is_a_task_with_the_integrations_look(
    app: Perdure, platform: FakePlatform, mail: Mail
) -> None:
    async def job(payload: Any, io: IO) -> str:
        letter = await mail.of(io).send("first", to="a@example.com", copies=["b", "c"])
        assert isinstance(letter, Letter)
        await io.mail.send(["second", 2], to="b@example.com")
        return letter.to

    calls = Calls(app, platform, mail, job)
    assert (await calls.execute())["output"] == "a@example.com"
    assert (await calls.execute())["output"] == "a@example.com"
    assert mail.client.sent == ["a@example.com", "b@example.com"]
    row = calls.run.row("first")
    assert (row["name"], row["icon"], row["connectionKey"]) == ("Send mail", "envelope", "mail")
    assert row["properties"] == [
        {"label": "To", "text": "a@example.com"},
        {"label": "Copies", "text": "b, c"},
    ]
    assert row["params"] == {"to": "a@example.com", "copies": ["b", "c"]}
    assert calls.run.row("second:2")["properties"] == [{"label": "To", "text": "b@example.com"}]


async def test_secrets_and_what_is_hidden_are_not_in_the_params(
    app: Perdure, platform: FakePlatform, mail: Mail
) -> None:
    async def job(payload: Any, io: IO) -> None:
        await mail.of(io).send("send", to="a", text="private", password="secret")

    calls = Calls(app, platform, mail, job)
    await calls.execute()
    assert calls.run.row("send")["params"] == {"to": "a"}


async def test_an_operation_has_its_own_rules(app: Perdure, platform: FakePlatform, mail: Mail) -> None:
    async def job(payload: Any, io: IO) -> Letter:
        return await mail.of(io).send_twice("send", "a", size=3)

    mail.client.failures = [ConnectionError("gone"), ConnectionError("gone")]
    calls = Calls(app, platform, mail, job)
    reply = await calls.execute()
    assert (reply["status"], reply["retry"]["limit"]) == ("RETRY_WITH_TASK", 2)
    row = calls.run.row("send")
    assert (row["name"], row["icon"], row["description"]) == ("Send twice", "pigeon", "By air.")
    assert row["params"] == {"to": "a", "size": 3}
    calls.run.end_waits()
    assert (await calls.execute())["status"] == "ERROR"


async def test_an_operations_own_rule_comes_before_the_integrations(
    app: Perdure, platform: FakePlatform, mail: Mail
) -> None:
    async def job(payload: Any, io: IO) -> Letter:
        return await mail.of(io).send_later("send", to="a")

    mail.client.failures = [Refused(422)]  # which would fail for good
    reply = await Calls(app, platform, mail, job).execute()
    assert (reply["status"], reply["retryAt"]) == ("RETRY_WITH_TASK", "2030-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("failure", "status"),
    [(Refused(422), "ERROR"), (Refused(503), "RETRY_WITH_TASK"), (OSError(), "RETRY_WITH_TASK")],
)
async def test_the_integrations_rule_is_by_status(
    app: Perdure, platform: FakePlatform, mail: Mail, failure: Exception, status: str
) -> None:
    async def job(payload: Any, io: IO) -> None:
        await mail.of(io).send("send", to="a")

    mail.client.failures = [failure]
    reply = await Calls(app, platform, mail, job).execute()
    assert reply["status"] == status
    if status == "RETRY_WITH_TASK":
        assert reply["retry"]["limit"] == 8  # the standard backoff


async def test_one_call_may_have_other_options(app: Perdure, platform: FakePlatform, mail: Mail) -> None:
    undone: list[str] = []

    def undo(letter: Letter) -> None:
        undone.append(letter.to)

    async def job(payload: Any, io: IO) -> None:
        await mail.of(io).with_options(name="Invite", compensate=undo).send("invite", to="a")
        await mail.of(io).with_options(on_error=lambda error: GiveUp()).send("send", to="b")

    async def send(to: str) -> Letter:
        if to == "b":
            raise OSError("gone")
        return Letter(to=to, token="")

    mail.client.send = send
    calls = Calls(app, platform, mail, job)
    reply = await calls.execute()
    assert (reply["status"], reply["error"]["message"]) == ("ERROR", "gone")
    assert calls.run.row("invite")["name"] == "Invite"
    assert undone == ["a"]


async def test_a_call_at_most_once_has_no_second_try(
    app: Perdure, platform: FakePlatform, mail: Mail
) -> None:
    async def job(payload: Any, io: IO) -> None:
        await mail.of(io).with_options(at_most_once=True).send("send", to="a")

    mail.client.failures = [OSError("gone")]
    assert (await Calls(app, platform, mail, job).execute())["status"] == "ERROR"


async def test_an_error_is_shown_as_the_integration_explains_it(
    app: Perdure, platform: FakePlatform, mail: Mail
) -> None:
    async def job(payload: Any, io: IO) -> None:
        await mail.of(io).with_options(retry=None).send("send", to="a")

    mail.client.failures = [KeyError("person")]
    reply = await Calls(app, platform, mail, job).execute()
    assert (reply["error"]["name"], reply["error"]["message"]) == ("ValueError", "no such person")
    assert "KeyError" in reply["error"]["stack"]


async def test_plain_methods_are_called_off_the_event_loop(
    app: Perdure, platform: FakePlatform, mail: Mail
) -> None:
    async def job(payload: Any, io: IO) -> list[int]:
        tasks = mail.of(io)
        return [await tasks.thread_of("thread"), await tasks.count("count", "a", unread=True)]

    calls = Calls(app, platform, mail, job)
    thread, count = (await calls.execute())["output"]
    assert (thread != threading.get_ident(), count) == (True, 0)
    assert mail.client.threads != [threading.get_ident()]
    row = calls.run.row("count")
    assert (row["name"], row["params"]) == ("Count", {"to": "a", "unread": True})


async def test_in_a_plain_job_calls_return_values(app: Perdure, platform: FakePlatform, mail: Mail) -> None:
    def job(payload: Any, io: SyncIO) -> list[Any]:
        tasks = mail.of(io)
        letter = tasks.send("send", to="a")
        same_thread = tasks.thread_of("thread") == threading.get_ident()
        return [letter.to, tasks.count("count", "a"), same_thread]

    assert (await Calls(app, platform, mail, job).execute())["output"] == ["a", 1, True]


async def test_any_function_is_a_task_too(app: Perdure, platform: FakePlatform, mail: Mail) -> None:
    async def count_all(client: Client, to: str) -> int:
        return client.count(to)

    async def job(payload: Any, io: IO) -> list[int]:
        tasks = mail.of(io)
        return [
            await tasks.with_client("with client", count_all, "a"),
            await tasks.call("call", mail.client.count, "b", unread=True),
            await tasks.call("lambda", lambda: 7),
        ]

    calls = Calls(app, platform, mail, job)
    assert (await calls.execute())["output"] == [0, 0, 7]
    shown = [(calls.run.row(key)["name"], calls.run.row(key)["params"]) for key in ("with client", "call")]
    assert shown == [("Count all", {"to": "a"}), ("Client.count", {"to": "b", "unread": True})]
    assert calls.run.row("lambda")["name"] == "Call Mail"
    assert calls.run.row("lambda")["icon"] == "envelope"


async def test_wrong_arguments_are_an_error_in_the_users_line(
    app: Perdure, platform: FakePlatform, mail: Mail
) -> None:
    async def job(payload: Any, io: IO) -> None:
        await io.mail.send("send", whom="a")

    error = (await Calls(app, platform, mail, job).execute())["error"]
    assert error["name"] == "TypeError"
    assert error["message"].startswith("missing a required ")  # what follows is not the same in every Python
    assert error["message"].endswith("argument: 'to'")
    assert 'io.mail.send("send", whom="a")' in error["stack"]


async def test_a_key_used_twice_through_an_integration_names_the_users_lines(
    app: Perdure, platform: FakePlatform, mail: Mail
) -> None:
    async def job(payload: Any, io: IO) -> None:
        await io.mail.send("send", to="a@example.com")
        await io.mail.send("send", to="b@example.com")

    reply = await Calls(app, platform, mail, job).execute()
    assert reply["error"]["name"] == "DuplicateTaskKey"
    assert reply["error"]["message"].count("test_integration.py:") == 2


async def test_the_token_may_come_from_the_environment(
    app: Perdure, platform: FakePlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = Mail("mail")

    async def job(payload: Any, io: IO) -> str:
        return (await mail.of(io).send("send", to="a")).token

    monkeypatch.delenv("MAIL_TOKEN", raising=False)
    calls = Calls(app, platform, mail, job)
    reply = await calls.execute()
    assert reply["status"] == "ERROR"
    assert reply["error"]["message"] == "Mail: no token; give Mail(..., token=...) or set MAIL_TOKEN"
    monkeypatch.setenv("MAIL_TOKEN", "from the environment")
    calls.run = platform.start("job")
    assert (await calls.execute())["output"] == "from the environment"


async def test_an_integration_the_job_does_not_have_is_named(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON, integrations=[Mail("mail", token="t")])
    async def job(payload: Any, io: IO) -> None:
        Mail("slack", token="t").of(io)

    error = (await platform.execute(app, platform.start("job")))["error"]
    assert error["message"].startswith("io.slack: this job has no integration of that name (it has mail)")


def test_an_operation_is_documented_as_its_function_is() -> None:
    assert MailTasks.send.__doc__ == "Send a letter."
    assert MailTasks.count.__doc__ == "Count letters."


@pytest.mark.parametrize(
    "declare",
    [lambda: operation(properties={"Who": "{whom}"}), lambda: operation(hide=["whom"])],
    ids=["properties", "hide"],
)
def test_a_name_that_is_no_argument_is_refused_at_once(declare: Any) -> None:
    async def send(self: Any, *, to: str) -> None: ...

    with pytest.raises(ConfigurationError, match=r"'Send': .*send has no argument named whom"):
        declare()(send)


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


def test_an_integration_without_tasks_is_named() -> None:
    class Half(Integration):
        kind = title = icon = "half"

    with pytest.raises(ConfigurationError, match="Half does not say what its tasks are"):
        Half("half").bind(object())
