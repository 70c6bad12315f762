"""The jobs of the examples with a web framework, killed at every moment; test_commands serves them."""

from __future__ import annotations

from typing import Any

import pytest

from examples.fastapi_app import app as fastapi_example
from examples.flask_app import app as flask_example
from examples.lambda_app import app as lambda_example
from perdure.testing import Platform


@pytest.mark.perdure(crash="everywhere")
async def test_the_welcome_of_the_fastapi_app(perdure_platform: Platform) -> None:
    mailer = fastapi_example.Mailer()
    overrides: dict[Any, Any] = fastapi_example.perdure.dependency_overrides
    overrides[fastapi_example.get_mailer] = lambda: mailer
    run = await perdure_platform.start(
        fastapi_example.welcome, fastapi_example.SignUp(email="ann@example.com")
    )
    await run.advance(hours=70)
    assert {subject for _to, subject in mailer.sent} == {"Welcome!"}
    await run.advance(hours=3)
    assert run.output == "ann@example.com"
    overrides.clear()


@pytest.mark.perdure(crash="everywhere")
async def test_the_thumbnails_of_the_flask_app(perdure_platform: Platform) -> None:
    run = await perdure_platform.start(flask_example.thumbnails, flask_example.Upload(name="cat.jpg"))
    await run.finish()
    assert sorted(run.output) == ["256", "64"]


@pytest.mark.perdure(crash="everywhere")
async def test_the_trial_of_the_lambda_app(perdure_platform: Platform) -> None:
    run = await perdure_platform.start(lambda_example.trial_ends, lambda_example.Trial(customer="acme"))
    await run.advance(days=12)
    assert not run.is_finished
    await run.advance(days=2)
    assert run.output == "acme came 4 times"
