"""Version 1 of a path knows three run statuses fewer."""

import pytest

from perdure_server.version_1 import to_version_1


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (b'{"status": "EXECUTING", "n": 1.0}', b'{"status":"STARTED","n":1.0}'),
        (b'{"status":"WAITING_TO_CONTINUE"}', b'{"status":"STARTED"}'),
        (b'{"status":"SUCCESS","output":{"status":"EXECUTING"}}', None),
        (b'{"run":{"id":"r","status":"WAITING_TO_EXECUTE"},"statuses":[{"status":"EXECUTING"}]}',
         b'{"run":{"id":"r","status":"STARTED"},"statuses":[{"status":"EXECUTING"}]}'),
        (b'{"id":"e","runs":[{"status":"QUEUED"},{"status":"EXECUTING"}]}',
         b'{"id":"e","runs":[{"status":"QUEUED"},{"status":"STARTED"}]}'),
    ],
)  # fmt: skip
def test_statuses_of_runs_are_translated_and_nothing_else(shown, expected):
    assert to_version_1(shown) == (expected or shown)


async def test_a_run_and_its_event_under_both_versions(server):
    run = await server.start_run()
    for path, read in (
        (f"runs/{run.id}", lambda told: told["status"]),
        (f"events/{run.event_id}", lambda told: told["runs"][0]["status"]),
    ):
        told = [(await server.client.get(f"/api/{version}/{path}")).json() for version in ("v1", "v2")]
        assert [read(one) for one in told] == ["STARTED", "EXECUTING"]
