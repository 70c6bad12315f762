"""The client of the benchmarks on Restate: one-way sends to its ingress, which has no call for several."""

# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import json
import os

import uvloop
from pyreqwest.client import ClientBuilder

from benchmarks.systems.peer_client import Payloads, answer

_HEADERS = {"content-type": "application/json"}


async def main() -> None:
    """Answer the harness."""
    url = os.environ["BENCH_INGRESS_URL"]
    async with ClientBuilder().http2_prior_knowledge().build() as client:

        async def send(job: str, payloads: Payloads) -> None:
            for payload in payloads:
                handler = "sleep_after_steps" if job == "sleep" and payload.get("steps") else job
                request = client.post(f"{url}/Bench/{handler}/send").headers(_HEADERS)
                response = await request.body_bytes(json.dumps(payload).encode()).build().send()
                if response.status >= 300:
                    raise RuntimeError(f"{response.status}: {await response.text()}")

        await answer(send)


if __name__ == "__main__":
    uvloop.run(main())
