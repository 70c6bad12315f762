"""A Flask app, and a job that goes on long after the request that started it."""

from datetime import timedelta

from flask import Flask, request
from perdure import Perdure, SyncIO, event_trigger
from pydantic import BaseModel

app = Perdure("my-app")
web = Flask(__name__)


class SignedUp(BaseModel):
    """What an event ``user.signed-up`` carries."""

    email: str


def send_mail(to: str, subject: str) -> str:
    """Stands for a mail service."""
    print(f"to {to}: {subject}")
    return f"{subject!r} sent"


@app.job(id="welcome", version="1.0.0", on=event_trigger("user.signed-up"))
def welcome(payload: SignedUp, io: SyncIO) -> str:
    """Called again from the top after the wait; what a task has done stays done."""
    io.logger.info("somebody signed up", email=payload.email)
    io.run_task("first mail", send_mail, payload.email, "Welcome!")
    io.wait("let some time pass", timedelta(seconds=5))
    return io.run_task("second mail", send_mail, payload.email, "Three tips")


@web.post("/sign-ups")
def sign_up() -> tuple[dict[str, str], int]:
    """Say what happened, and answer at once: the job does the rest."""
    body = SignedUp.model_validate(request.get_json())
    event = app.sync.send_event("user.signed-up", body)
    return {"event": event.id}, 202
