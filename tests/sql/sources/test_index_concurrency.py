"""Two connections at once: readings of an endpoint."""

from tests.sql.sources.source_app import SourceApp, source
from tests.support.builders import SDK, job, manifest
from tests.support.concurrency import blocked_until
from tests.support.database import Database


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
