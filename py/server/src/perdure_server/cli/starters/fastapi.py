"""A FastAPI app, and a job that goes on long after the request that started it."""

from datetime import timedelta

from fastapi import FastAPI
from perdure import IO, Perdure, event_trigger
from pydantic import BaseModel

perdure = Perdure("my-app")
app = FastAPI()
app.mount("/api/perdure", perdure.asgi())


class SignedUp(BaseModel):
    """What an event ``user.signed-up`` carries."""

    email: str


async def send_mail(to: str, subject: str) -> str:
    """Stands for a mail service."""
    print(f"to {to}: {subject}")
    return f"{subject!r} sent"


@perdure.job(id="welcome", version="1.0.0", on=event_trigger("user.signed-up"))
async def welcome(payload: SignedUp, io: IO) -> str:
    """Called again from the top after the wait; what a task has done stays done."""
    io.logger.info("somebody signed up", email=payload.email)
    await io.run_task("first mail", send_mail, payload.email, "Welcome!")
    await io.wait("let some time pass", timedelta(seconds=5))
    return await io.run_task("second mail", send_mail, payload.email, "Three tips")


@app.post("/sign-ups", status_code=202)
async def sign_up(body: SignedUp) -> dict[str, str]:
    """Say what happened, and answer at once: the job does the rest."""
    event = await perdure.send_event("user.signed-up", body)
    return {"event": event.id}
