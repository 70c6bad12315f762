"""The million runs are what they are said to be."""

from tests.large.conftest import Large
from tests.large.seed import RUNS, TASKS_OF_A_RUN


def test_there_are_as_many_as_promised(large: Large) -> None:
    for table, count in (("runs", RUNS), ("tasks", RUNS * TASKS_OF_A_RUN), ("events", RUNS)):
        assert large.db.value(f"select count(*) from perdure.{table}") >= count, table
    statuses = dict(large.db.rows("select status, count(*) from perdure.runs group by status"))
    assert {"SUCCESS", "FAILURE", "TIMED_OUT", "ABORTED", "CANCELED", "QUEUED", "EXECUTING"} <= set(statuses)
    assert statuses["WAITING_TO_CONTINUE"] > 10_000
