"""Somebody signs up: ``make example NAME=fastapi_app``. The days are two seconds here."""

from __future__ import annotations

import sys

from examples.stage import Stage, run_example


def play(stage: Stage) -> None:
    """Sign up, twice with the same address."""
    body = {"email": "ann@example.com", "plan": "team"}
    event = stage.http.post("/sign-ups", json=body).raise_for_status().json()["event"]
    stage.expect(stage.http.post("/sign-ups", json=body).raise_for_status().json()["event"], event)
    stage.finish(stage.run_of(event))
    mails = stage.http.get("/mails").json()
    stage.tell(f"mails: {mails}")
    stage.expect([subject for _to, subject in mails], ["Welcome!", "How do you like the team plan?"])


if __name__ == "__main__":
    command = ["-m", "uvicorn", "examples.fastapi_app.app:asgi", "--port", "{port}"]
    settings = {"EXAMPLE_WAIT_S": "2"}
    sys.exit(run_example(play, command=command, path="/api/perdure/", variables=settings))
