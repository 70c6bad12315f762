"""A function on AWS Lambda with durable jobs: it is paid while it works, and not while it waits."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from pydantic import BaseModel

from perdure import IO, Perdure, event_trigger

DAY = timedelta(seconds=float(os.environ.get("EXAMPLE_DAY_S", 86_400)))

app = Perdure("lambda-app")


class Trial(BaseModel):
    """A customer who tries the product."""

    customer: str
    days: int = 14


async def count_logins(customer: str) -> int:
    """What stands for a look into the database."""
    return len(customer)


@app.job(id="trial-ends", version="1.0.0", on=event_trigger("trial.started"))
async def trial_ends(payload: Trial, io: IO) -> str:
    """Look at a trial the day before it ends."""
    await io.wait("nearly over", (payload.days - 1) * DAY)
    logins = await io.run_task("count logins", count_logins, payload.customer)
    return f"{payload.customer} came {logins} times"


perdure_handler = app.lambda_handler()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The function's entry point, behind a function URL or an API Gateway."""
    return perdure_handler(event, context)
