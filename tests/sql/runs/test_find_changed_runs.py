"""Looking at many runs at once: what is not as it was."""

from typing import Any

from tests.support.builders import Builders, Run
from tests.support.database import Database


def changed(db: Database, *looks: tuple[Run, str | None]) -> dict[str, Any]:
    rows = db.call(
        "find_changed_runs",
        [run.environment.id for run, _ in looks],
        [run.id for run, _ in looks],
        [digest for _, digest in looks],
    )
    return {row.run_id: row for row in rows}


def test_a_run_is_found_after_each_change(db: Database, builders: Builders) -> None:
    run, other = builders.runs(2)
    environment_id = run.environment.id
    first = changed(db, (run, None), (other, None))
    known, of_other = first[run.id].digest, first[other.id].digest
    shown = run.read()
    assert first[run.id].state == {name: shown[name] for name in shown if name != "tasks"}
    assert not first[run.id].has_ended

    def change() -> Any:
        nonlocal known
        rows = changed(db, (run, known), (other, of_other))
        assert list(rows) == [run.id]
        known = rows[run.id].digest
        assert changed(db, (run, known)) == {}
        return rows[run.id]

    db.call("set_run_status", environment_id, run.id, "mail", {"label": "Mail", "state": "loading"})
    assert change().state["statuses"][0]["label"] == "Mail"
    db.call("set_run_metadata", environment_id, run.id, {"metadata": {"done": 1}, "addTags": ["x"]})
    assert (found := change().state)["metadata"] == {"done": 1}
    assert found["tags"] == ["x"]
    builders.claims()[0].reply("SUCCESS", output={"ok": True})
    of_other = changed(db, (other, None))[other.id].digest
    last = change()
    assert (last.has_ended, last.state["status"], last.state["output"]) == (True, "SUCCESS", {"ok": True})


def test_a_run_is_looked_at_in_its_environment(db: Database, builders: Builders) -> None:
    run = builders.run()
    foreign = Run(db, run.id, run.event_id, builders.environment())
    assert changed(db, (foreign, None)) == {}
