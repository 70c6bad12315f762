"""Every night a report for each customer, side by side; a few that fail do not stop the others.

The job is a plain function: its tasks' functions run in threads, so libraries that block are welcome.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel

from perdure import (
    Depends,
    Perdure,
    Retry,
    ScheduledPayload,
    SyncIO,
    TaskFailed,
    TaskOptions,
    cron_trigger,
)

CUSTOMERS = 500

app = Perdure("nightly-report")


class Report(BaseModel):
    """One customer's day."""

    customer: int
    orders: int


class Summary(BaseModel):
    """The night's work."""

    reports: int
    orders: int
    failed: list[int]


class Warehouse:
    """What stands for the data warehouse: numbers made of the customer's. It knows nothing of customer 13."""

    def __init__(self, customers: int = CUSTOMERS) -> None:
        self.customers = list(range(customers))
        self.queries: list[int] = []

    def report(self, customer: int) -> Report:
        """What a customer ordered yesterday."""
        self.queries.append(customer)
        if customer == 13:
            raise LookupError("no such customer")
        return Report(customer=customer, orders=customer % 7)


warehouse = Warehouse()


def get_warehouse() -> Warehouse:
    """The warehouse; tests put another in its place."""
    return warehouse


@app.job(
    id="nightly-report",
    version="1.0.0",
    on=cron_trigger("30 2 * * *", timezone="Europe/Berlin"),
)
def report(
    payload: ScheduledPayload, io: SyncIO, *, warehouse: Annotated[Warehouse, Depends(get_warehouse)]
) -> Summary:
    """Make all reports, and a summary of them."""
    options = TaskOptions(retry=Retry(limit=3, unless=LookupError), timeout=timedelta(minutes=5))
    results = io.map(
        "reports",
        warehouse.report,
        warehouse.customers,
        concurrency=20,
        tolerated_failures=5,
        options=options,
    )
    reports = [one for one in results if not isinstance(one, TaskFailed)]
    failed = [
        customer
        for customer, one in zip(warehouse.customers, results, strict=True)
        if isinstance(one, TaskFailed)
    ]
    io.logger.info("reports made", reports=len(reports), failed=failed)
    return Summary(reports=len(reports), orders=sum(one.orders for one in reports), failed=failed)


asgi = app.asgi()
