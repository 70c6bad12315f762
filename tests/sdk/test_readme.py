"""The README's program runs as it stands there."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.sdk.fake_platform import API_KEY, FakePlatform

README = Path(__file__).parents[2] / "py" / "sdk" / "README.md"


async def test_the_program_in_the_readme_runs(
    platform: FakePlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERDURE_API_URL", platform.url)
    monkeypatch.setenv("PERDURE_API_KEY", API_KEY)
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    names: dict[str, Any] = {"__name__": "readme"}
    exec(compile(code, str(README), "exec"), names)  # noqa: S102
    run = platform.start("fulfil-order", {"number": 7, "email": "a@example.com"})
    assert (await platform.finish(names["app"], run))["output"] == "receipt-7"
    assert [reply.status for reply in platform.replies] == ["RESUME_WITH_TASK", "SUCCESS"]
    await names["app"].close()
