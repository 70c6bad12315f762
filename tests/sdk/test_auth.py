"""Credentials of a run: sent by the platform, found by a function of the app's, or missing."""

from typing import Any

import pytest

from perdure import (
    IO,
    ConfigurationError,
    Context,
    Credentials,
    Integration,
    Perdure,
    SyncIO,
    event_trigger,
    wrap,
)
from perdure_integrations import IntegrationTasks, IOType, operation
from tests.sdk.fake_platform import FakePlatform

ON = event_trigger("test.event")
CONNECTION = {
    "type": "oauth2",
    "accessToken": "from the platform",
    "scopes": ["mail"],
    "additionalFields": {"domain": "acme"},
}


class MailTasks(IntegrationTasks[Credentials, IOType]):
    @operation()
    async def who(self) -> str:
        return f"{self.client.token} {','.join(self.client.scopes)} {dict(self.client.fields)}"


class Mail(Integration[MailTasks[IO], MailTasks[SyncIO]]):
    kind = "mail"
    title = "Mail"
    icon = "envelope"

    def connect(self, credentials: Credentials) -> Credentials:
        return credentials


def declare(app: Perdure, mail: Mail) -> None:
    @app.job(id="job", version="1.0.0", on=ON, integrations=[mail])
    async def job(payload: Any, io: IO) -> str:
        return await mail.of(io).who("who")


async def test_a_connection_of_the_platforms_is_used(app: Perdure, platform: FakePlatform) -> None:
    mail = Mail("mail", auth="HOSTED")
    declare(app, mail)
    reply = await platform.execute(app, platform.start("job"), connections={"mail": CONNECTION})
    assert reply["output"] == "from the platform mail {'domain': 'acme'}"
    other = {**CONNECTION, "accessToken": "another"}
    reply = await platform.execute(app, platform.start("job"), connections={"mail": other})
    assert reply["output"].startswith("another ")


async def test_without_a_connection_the_job_is_not_called(app: Perdure, platform: FakePlatform) -> None:
    declare(app, Mail("mail", auth="HOSTED"))
    account = {"id": "ada", "metadata": {}}
    reply = await platform.execute(app, platform.start("job"), account=account)
    assert reply == {
        "status": "UNRESOLVED_AUTH_ERROR",
        "issues": {"mail": {"id": "mail", "error": "the platform sent no connection for account 'ada'"}},
    }


@pytest.mark.parametrize("kind", ["async", "plain"])
async def test_a_function_of_the_app_finds_them(app: Perdure, platform: FakePlatform, kind: str) -> None:
    mail = Mail("mail", auth="RESOLVER")
    declare(app, mail)

    def token_of(ctx: Context, integration: Integration) -> str | None:
        tokens = {"ada": f"ada's for {integration.name}"}
        return tokens.get(ctx.account.id) if ctx.account is not None else None

    @app.auth_resolver(mail)
    async def find(ctx: Context, integration: Integration) -> Credentials | None:
        token = token_of(ctx, integration)
        return None if token is None else Credentials(token, scopes=("mail",))

    if kind == "plain":
        app.auth._by_name["mail"] = token_of
    scopes = "mail" if kind == "async" else ""
    run = platform.start("job")
    reply = await platform.execute(app, run, account={"id": "ada"})
    assert reply["output"] == f"ada's for mail {scopes} {{}}"
    issue = (await platform.execute(app, platform.start("job"), account={"id": "bob"}))["issues"]["mail"]
    assert issue["error"] == "the app has no credentials for account 'bob'"


async def test_a_function_that_fails_is_an_issue(app: Perdure, platform: FakePlatform) -> None:
    mail = Mail("mail", auth="RESOLVER")
    declare(app, mail)

    @app.auth_resolver(mail)
    def find(ctx: Context, integration: Integration) -> str:
        raise LookupError("the vault is closed")

    reply = await platform.execute(app, platform.start("job"))
    assert reply["issues"] == {"mail": {"id": "mail", "error": "the vault is closed"}}


async def test_a_function_that_is_missing_is_named(app: Perdure, platform: FakePlatform) -> None:
    declare(app, Mail("mail", auth="RESOLVER"))
    reply = await platform.execute(app, platform.start("job"))
    assert "define one with @app.auth_resolver(mail)" in reply["issues"]["mail"]["error"]


async def test_a_client_may_be_made_for_each_run(app: Perdure, platform: FakePlatform) -> None:
    mail = wrap("mail", connect=lambda credentials: credentials, auth="HOSTED")

    @app.job(id="job", version="1.0.0", on=ON, integrations=[mail])
    async def job(payload: Any, io: IO) -> str:
        return await mail.of(io).with_client("token", lambda client: client.token)

    reply = await platform.execute(app, platform.start("job"), connections={"mail": CONNECTION})
    assert reply["output"] == "from the platform"


async def test_only_one_function_finds_them_and_none_for_a_token(app: Perdure) -> None:
    with pytest.raises(ConfigurationError, match="'mail' has a token of its own"):
        app.auth_resolver(Mail("mail", token="t"))(lambda ctx, integration: None)
    mail = Mail("mail", auth="RESOLVER")
    app.auth_resolver(mail)(lambda ctx, integration: None)
    with pytest.raises(ConfigurationError, match="two functions"):
        app.auth_resolver(mail)(lambda ctx, integration: None)
    with pytest.raises(ConfigurationError, match="token has no use with auth='HOSTED'"):
        Mail("mail", token="t", auth="HOSTED")


def test_credentials_do_not_show_their_secrets() -> None:
    assert repr(Credentials("secret", ("mail",), {"key": "secret"})) == "Credentials(scopes=('mail',))"


def test_the_platform_is_told_who_holds_the_accounts() -> None:
    assert Mail("mail", auth="HOSTED").config().auth_source == "HOSTED"
