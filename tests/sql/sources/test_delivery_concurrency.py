"""Two connections at once: claims of deliveries, and readings of an endpoint."""

from tests.sql.sources.source_app import SourceApp, source
from tests.support.builders import SDK, job, manifest
from tests.support.concurrency import blocked_until
from tests.support.database import Database


def test_a_claim_under_way_hides_its_deliveries_from_others(
    registered: SourceApp, db: Database, other: Database
) -> None:
    for _ in range(4):
        registered.receive()
    db.execute("begin")
    mine = {row.delivery_id for row in db.call("claim_deliveries", "one", 2)}
    theirs = {row.delivery_id for row in other.call("claim_deliveries", "two", 10)}  # does not wait
    db.execute("commit")
    assert (len(mine), len(theirs), mine & theirs) == (2, 2, set())


def test_an_answer_handed_in_twice_at_once_counts_once(
    registered: SourceApp, db: Database, other: Database
) -> None:
    registered.receive()
    (claimed,) = db.call("claim_deliveries", "one", 1)
    reply = {"events": [{"name": "greet", "id": "e-1"}]}
    result = {"deliveryId": claimed.delivery_id, "leaseNumber": 1, "ok": True, "reply": reply}
    db.execute("begin")
    assert db.call("apply_delivery_results", [result])[0].outcome == "DELIVERED"
    ((row,),) = blocked_until(db, "commit", (other, lambda: other.call("apply_delivery_results", [result])))
    assert row.outcome == "LEASE_LOST"


def test_two_readings_of_an_endpoint_come_one_after_the_other(
    registered: SourceApp, db: Database, other: Database
) -> None:
    def index(connection: Database, *sources: str) -> str:
        wanted = manifest(job(), sources=[source(key, "a") for key in sources])
        status: str = connection.call("index_endpoint", registered.endpoint.id, wanted, SDK)["status"]
        return status

    db.execute("begin")
    index(db, "one")
    assert blocked_until(db, "commit", (other, lambda: index(other, "two"))) == ["SUCCESS"]
    wanted = db.rows(
        """
        select s.key from perdure.source_options as o
        join perdure.sources as s on s.id = o.source_id where o.wanted
        """
    )
    assert [row.key for row in wanted] == ["two"]
