"""Requests that the platform sends for a run."""

from __future__ import annotations

import os
from datetime import timedelta

from pydantic import BaseModel

from perdure import IO, Context, TaskFailed
from perdure.fetch import FetchBackoff, Redacted

from ..define import case

SERVICE = os.environ.get("BEHAVIOUR_SERVICE_URL", "")


class Echo(BaseModel):
    method: str
    body: object = None


@case(output="GET", tasks=["fetch COMPLETED"], executions=2)
async def background_fetch(payload: None, io: IO) -> str:
    answer = await io.background_fetch("fetch", f"{SERVICE}/echo", Echo)
    return answer.method


@case(output={"n": 1}, tasks=["fetch COMPLETED"], executions=2)
async def background_fetch_with_a_body(payload: None, io: IO) -> object:
    headers = {"authorization": Redacted("secret", prefix="Bearer ")}
    answer = await io.background_fetch(
        "fetch", f"{SERVICE}/echo", Echo, method="POST", json={"n": 1}, headers=headers
    )
    return answer.body


@case(output=[200, "application/json"], tasks=["fetch COMPLETED"], executions=2)
async def background_fetch_response(payload: None, io: IO) -> list[object]:
    response = await io.background_fetch_response("fetch", f"{SERVICE}/echo")
    return [response.status, response.headers["content-type"]]


@case(output="third time", tasks=["fetch COMPLETED"], executions=2)
async def background_fetch_is_retried(payload: None, io: IO, ctx: Context) -> object:
    retry = {"5xx": FetchBackoff(limit=3, min_delay_s=0.01, max_delay_s=0.01)}
    return await io.background_fetch("fetch", f"{SERVICE}/flaky/{ctx.run.id}", str, retry=retry)


@case(output="failed", tasks=["fetch ERRORED"], executions=2)
async def background_fetch_fails(payload: None, io: IO) -> str:
    try:
        await io.background_fetch("fetch", f"{SERVICE}/nothing-here")
    except TaskFailed:
        return "failed"
    return "fine"


@case(output="done", tasks=["poll COMPLETED", *["  poll attempt COMPLETED"] * 3], executions=2)
async def background_poll(payload: None, io: IO, ctx: Context) -> object:
    answer = await io.background_poll(
        "poll",
        f"{SERVICE}/poll/{ctx.run.id}",
        until_body={"state": ["done"]},
        interval=timedelta(seconds=600),
        timeout=timedelta(hours=1),
    )
    return answer["state"]
