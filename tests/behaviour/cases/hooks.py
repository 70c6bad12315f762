"""Hooks: what the app is told when a run has ended, in the host that its jobs run in."""

from __future__ import annotations

from pydantic import BaseModel

from perdure import IO, RunNotification

from ..define import case
from ..observed import called, seen
from ..steps import cancel


class Receipt(BaseModel):
    number: int


@case(output={"number": 7}, tasks=["pay COMPLETED"], calls={"failure": 0}, seen={"told": [7]})
async def success_is_told(payload: None, io: IO) -> Receipt:
    return Receipt(number=await io.run_task("pay", lambda: 7))


@success_is_told.on_success
async def bought(notification: RunNotification[Receipt]) -> None:
    seen("told", notification.output.number)


@success_is_told.on_failure
async def not_bought(notification: RunNotification[Receipt]) -> None:
    called("failure")


@case(
    status="FAILURE",
    output="ValueError: no money",
    tasks=["pay ERRORED"],
    calls={"success": 0},
    seen={"told": [["FAILURE", "no money", "pay"]]},
)
async def failure_is_told(payload: None, io: IO) -> None:
    def pay() -> None:
        raise ValueError("no money")

    await io.run_task("pay", pay)


@failure_is_told.on_success
async def paid(notification: RunNotification[None]) -> None:
    called("success")


@failure_is_told.on_failure
async def not_paid(notification: RunNotification[None]) -> None:
    assert notification.task is not None
    seen("told", [notification.status, notification.error_message, notification.task.cache_key])


@case(status="CANCELED", then=[cancel], tasks=["wait CANCELED"], seen={"told": ["CANCELED"]})
async def cancelling_is_told(payload: None, io: IO) -> None:
    await io.wait("wait", 3600)


@cancelling_is_told.on_failure
async def cancelled(notification: RunNotification[None]) -> None:
    seen("told", notification.status)


@case(output="done", calls={"flaky": 3, "other": 3})
async def hook_that_fails_is_called_again(payload: None, io: IO) -> str:
    return "done"


@hook_that_fails_is_called_again.on_success
async def flaky(notification: RunNotification[str]) -> None:
    if called("flaky") < 3:
        raise ConnectionError("no mail server")


@hook_that_fails_is_called_again.on_success
async def other(notification: RunNotification[str]) -> None:
    called("other")
