"""A Starlette app, and a job that goes on long after the request that started it."""

from datetime import timedelta

from perdure import IO, Perdure, event_trigger
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

perdure = Perdure("my-app")


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


async def sign_up(request: Request) -> JSONResponse:
    """Say what happened, and answer at once: the job does the rest."""
    body = SignedUp.model_validate_json(await request.body())
    event = await perdure.send_event("user.signed-up", body)
    return JSONResponse({"event": event.id}, status_code=202)


app = Starlette(
    routes=[
        Route("/sign-ups", sign_up, methods=["POST"]),
        Mount("/api/perdure", perdure.asgi()),
    ]
)
