"""The client of the benchmarks on DBOS: enqueues in transactions of many, its only way to send several."""

# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import asyncio
import os

import sqlalchemy
from dbos import DBOSClient

from benchmarks.systems.peer_client import Payloads, answer


async def main() -> None:
    """Answer the harness."""
    url = sqlalchemy.make_url(os.environ["BENCH_DATABASE_URL"]).set(drivername="postgresql+psycopg")
    engine = sqlalchemy.create_engine(url, pool_size=int(os.environ["BENCH_CALLS"]))
    client = DBOSClient(system_database_engine=engine, application_name="bench")

    def enqueue(job: str, payloads: Payloads) -> None:
        queue = "sleep" if job == "sleep" else "bench"
        options = {"workflow_name": job, "queue_name": queue, "app_version": "bench"}
        if len(payloads) == 1:
            client.enqueue(options, payloads[0])
            return
        with engine.begin() as connection:
            for payload in payloads:
                client.enqueue_in_transaction(connection, options, payload)

    async def send(job: str, payloads: Payloads) -> None:
        await asyncio.to_thread(enqueue, job, payloads)

    await answer(send)
    client.destroy()


if __name__ == "__main__":
    asyncio.run(main())
