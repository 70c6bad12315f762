"""What people look for again and again on the dashboard."""

from tests.sql.accounts.people import found
from tests.support.builders import Builders
from tests.support.database import Database
from tests.support.refusals import refused


def test_a_filter_is_kept_replaced_and_forgotten(db: Database, builders: Builders) -> None:
    people = found(db)
    environment = builders.environment()
    mine, theirs = people.owner, people.join("viewer")

    def names(user_id: str) -> list[tuple[str, str]]:
        return [(row.name, row.query) for row in db.call("list_saved_filters", environment.id, user_id)]

    first = db.call("save_filter", environment.id, mine, " Failed ", "status=FAILURE")
    db.call("save_filter", environment.id, mine, "all", "")
    assert db.call("save_filter", environment.id, mine, "Failed", "status=TIMED_OUT") == first
    assert names(mine) == [("all", ""), ("Failed", "status=TIMED_OUT")]
    assert names(theirs) == []
    with refused("JQ001", "no saved filter"):
        db.call("delete_saved_filter", environment.id, theirs, first)
    db.call("delete_saved_filter", environment.id, mine, first)
    assert names(mine) == [("all", "")]
    elsewhere = builders.environment("prod", project=environment.project)
    assert db.call("list_saved_filters", elsewhere.id, mine) == []


def test_what_cannot_be_saved(db: Database, builders: Builders) -> None:
    user_id, environment = found(db).owner, builders.environment()
    for name, query in (("", "x"), ("  ", "x"), ("n" * 81, "x"), ("n", "x" * 4001), (None, "x"), ("n", None)):
        with refused("JQ010"):
            db.call("save_filter", environment.id, user_id, name, query)
    for number in range(50):
        db.call("save_filter", environment.id, user_id, f"filter {number}", "x")
    with refused("JQ002", "delete one of them"):
        db.call("save_filter", environment.id, user_id, "one more", "x")
    db.call("save_filter", environment.id, user_id, "filter 7", "y")
