"""A FastAPI app whose sign-ups are followed by mails: the request ends at once, the job goes on for days."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Annotated

from fastapi import Depends as FromRequest
from fastapi import FastAPI
from pydantic import BaseModel

from perdure import IO, Depends, Perdure, event_trigger

LATER = timedelta(seconds=float(os.environ.get("EXAMPLE_WAIT_S", 3 * 86_400)))

perdure = Perdure("fastapi-app")


class SignUp(BaseModel):
    """Who signed up."""

    email: str
    plan: str = "free"


class Mailer:
    """What stands for a mail service: it remembers what it sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    async def send(self, to: str, subject: str) -> None:
        """Send a mail."""
        self.sent.append((to, subject))


mailer = Mailer()


def get_mailer() -> Mailer:
    """The mail service."""
    return mailer


@perdure.job(id="welcome", version="1.0.0", on=event_trigger("user.signed_up"))
async def welcome(payload: SignUp, io: IO, *, mailer: Annotated[Mailer, Depends(get_mailer)]) -> str:
    """Greet, and ask some days later how it goes."""
    await io.run_task("greet", mailer.send, payload.email, "Welcome!")
    await io.wait("some days", LATER)
    await io.run_task("ask", mailer.send, payload.email, f"How do you like the {payload.plan} plan?")
    return payload.email


asgi = FastAPI()
asgi.mount("/api/perdure", perdure.asgi())


@asgi.post("/sign-ups", status_code=202)
async def sign_up(body: SignUp) -> dict[str, str]:
    """Take a sign-up; what it brings about is up to the jobs. The same address again starts nothing twice."""
    event = await perdure.send_event("user.signed_up", body, id=f"sign-up {body.email}")
    return {"event": event.id}


@asgi.get("/mails")
async def mails(mailer: Annotated[Mailer, FromRequest(get_mailer)]) -> list[tuple[str, str]]:
    """What was sent."""
    return mailer.sent
