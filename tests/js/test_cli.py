"""The official command line: ``dev`` registers an app, and again when a file of it changes (protocol 15)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.waiting import eventually

from .outcome import Outcome
from .packages import APP, SDKS, TOOLS, install
from .system import JsApp, Platform

CLI = TOOLS / "node_modules" / "@trigger.dev" / "cli" / "dist" / "index.js"
VERSION = "sdk-2.3.19"
ADDED = """
module.exports = ({ job }) => {
  job("cli.greeting", async ({ payload }) => `hello, ${payload.name}`);
};
"""


@pytest.fixture
def developed(platform: Platform, tmp_path: Path) -> Iterator[JsApp]:
    """A copy of the app in development, not registered; it and the platform are at ``localhost``."""
    install(TOOLS)
    install(SDKS[VERSION])
    folder = shutil.copytree(APP, tmp_path / "app")
    (folder / "jobs" / "cli.js").write_text("module.exports = () => {};\n")
    with closing(
        JsApp(platform, VERSION, environment="dev", folder=folder, host="localhost", watched=True)
    ) as app:
        app.wait_until_it_listens()
        yield app
        platform.family.stop(app.process)


def test_dev_registers_the_app_and_again_when_it_changes(developed: JsApp, tmp_path: Path) -> None:
    app, family = developed, developed.platform.family
    variables = {**app.variables, "HOME": str(tmp_path), "NO_COLOR": "1"}
    command = [
        "node",
        str(CLI),
        "dev",
        str(tmp_path / "app"),
        "--port",
        str(app.port),
        "--hostname",
        "localhost",
    ]
    cli = family.start("cli", command, variables=variables)
    try:
        cli.wait_for_line(lambda line: "Refreshed" in line, timeout_s=60)
        run_id = app.start("replies.output", {"n": 2})
        assert app.finished(run_id) == Outcome("SUCCESS", {"doubled": 4})
        assert app.send("cli.greeting", {"name": "you"})

        (tmp_path / "app" / "jobs" / "cli.js").write_text(ADDED)
        eventually(
            lambda: app.platform.views.rows(
                "select slug from perdure_views.jobs where environment_id = %s and slug = 'cli.greeting'",
                app.project.environment_id,
            ),
            timeout_s=60,
            what="the job that was added",
        )
        run_id = app.start("cli.greeting", {"name": "you"})
        assert app.finished(run_id) == Outcome("SUCCESS", "hello, you")
    finally:
        family.kill(cli)
