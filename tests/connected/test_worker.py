"""``perdure-connect``: a worker as a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from perdure import Perdure
from tests.support.waiting import eventually

from .conftest import World

JOBS = """
from perdure import IO, Perdure, event_trigger

app = Perdure("worker")

@app.job(id="greet", version="1.0.0", on=event_trigger("greet"))
async def greet(payload: dict[str, str], io: IO) -> str:
    return await io.run_task("say", lambda: "hello")
"""


def start(world: World, folder: Path, target: str, *, key: str | None = None) -> subprocess.Popen[str]:
    (folder / "jobs.py").write_text(JOBS)
    variables = {"PERDURE_API_URL": world.url, "PERDURE_API_KEY": key or world.environment.key}
    command = [sys.executable, "-c", "import sys; from perdure_connect.worker import main; sys.exit(main())"]
    return subprocess.Popen(
        [*command, target], cwd=folder, env={**os.environ, **variables}, stderr=subprocess.PIPE, text=True
    )


async def test_a_worker_runs_jobs_until_it_is_told_to_stop(world: World, tmp_path: Path) -> None:
    client: Perdure = world.app("client")
    with start(world, tmp_path, "jobs:app") as worker:
        try:
            eventually(lambda: world.db.value("select count(*) from perdure.environment_jobs"), timeout_s=30)
            await client.send_event("greet", {})
            eventually(lambda: world.statuses() == ["SUCCESS"], timeout_s=20)
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(timeout=20) == 0
        finally:
            worker.kill()
    await client.close()


def test_a_worker_says_why_it_cannot_work(world: World, tmp_path: Path) -> None:
    for target, key, reason in (
        ("jobs:app", "tr_prod_0000", "the API key is unknown"),
        ("jobs:greeting", None, "there is no Perdure object"),
        ("works:app", None, "there is no module 'works'"),
    ):
        with start(world, tmp_path, target, key=key) as worker:
            _, said = worker.communicate(timeout=60)
            assert worker.returncode == 1
            assert reason in said
            assert "Traceback" not in said
