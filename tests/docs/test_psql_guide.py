"""What docs/psql.md shows works as it stands there, with psql and nothing else."""

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from perdure_engine.embedded.binaries import bundled_bin_dir

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "psql.md"
BLOCKS = re.findall(r"^```sql\n(.*?)^```$", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def psql(url: str, script: str, *, role: str = "perdure_owner") -> list[str]:
    """Run a script as ``role``; the lines it printed, columns separated by a bar."""
    done = run_psql(url, script, role=role)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def run_psql(
    url: str, script: str, *, role: str, options: Sequence[str] = ("-v", "ON_ERROR_STOP=1")
) -> subprocess.CompletedProcess[str]:
    command = [bundled_bin_dir() / "psql", "-X", "-q", "-A", "-t", *options, "-f", "-", url]
    return subprocess.run(
        command,
        input=f"set role {role};\n{script}",
        env={**os.environ, "PGCONNECT_TIMEOUT": "10"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_guide_registers_sends_shows_and_cancels(db_url: str) -> None:
    guide = BLOCKS[0]
    lines = psql(db_url, guide)
    (run,) = [line for line in lines if "|welcome|" in line]
    assert run.split("|")[2] == "QUEUED"
    assert psql(db_url, "select status from perdure_views.runs", role="perdure_readonly") == ["CANCELED"]
    assert psql(db_url, "select problem from perdure.doctor()") == []


def test_the_guide_can_be_followed_twice(db_url: str) -> None:
    psql(db_url, BLOCKS[0])
    psql(db_url, BLOCKS[0])
    runs = psql(db_url, "select count(*) from perdure_views.runs")
    assert runs == ["1"], "the event's id makes sending it again do nothing"


def test_an_event_sent_in_a_transaction_shares_its_fate(db_url: str) -> None:
    psql(db_url, BLOCKS[0])
    transaction = BLOCKS[1]
    prepare = "reset role; create table orders (id int primary key, total numeric);"
    psql(db_url, prepare + transaction.replace("commit;", "rollback;"))
    events = "select count(*) from perdure_views.events where name = 'order.placed'"
    assert psql(db_url, events) == ["0"]
    psql(db_url, "reset role;" + transaction)
    assert psql(db_url, events) == ["1"]


def test_a_job_is_invoked_and_what_was_cancelled_goes_on(db_url: str) -> None:
    psql(db_url, BLOCKS[0])
    psql(db_url, BLOCKS[2])
    psql(db_url, BLOCKS[2])
    statuses = "select event, status from perdure_views.runs order by event"
    assert psql(db_url, statuses) == ["bob|QUEUED", "signup-1|QUEUED"]
    assert psql(db_url, "select problem from perdure.doctor()") == []


def test_an_event_is_found_explained_and_replayed(db_url: str) -> None:
    psql(db_url, BLOCKS[0])
    (block,) = [block for block in BLOCKS if "explain_event" in block]
    lines = psql(db_url, block)
    assert '"id" : "signup-1"' in lines[0]
    assert "welcome|MATCHED|" in lines
    replays = "select count(*) from perdure_views.events where replayed_id is not null"
    assert psql(db_url, replays) == ["1"]


def test_changes_of_a_table_are_events(db_url: str) -> None:
    psql(db_url, BLOCKS[0])
    psql(db_url, "create table orders (id int primary key, total numeric);" + BLOCKS[4], role="none")
    lines = psql(db_url, BLOCKS[5], role="none")
    assert {"insert|order.created|t", "delete|order.removed|t"} <= set(lines)
    events = psql(db_url, "select name, event_id from perdure_views.events order by name, id")
    assert [event.split("|")[0] for event in events] == [
        "order.big",
        "order.created",
        "order.created",
        "user.signed-up",
    ]
    assert "order.big|big-19" in events
    psql(db_url, "insert into orders values (20, 1)", role="none")
    created = psql(db_url, "select id from perdure_views.events where name = 'order.created'")
    assert len(created) == 2


def test_the_application_role_cannot_write_a_table(db_url: str) -> None:
    psql(db_url, BLOCKS[0])
    for statement in (
        "insert into perdure.settings values ('public_url', 'http://x', now())",
        "update perdure.runs set status = 'QUEUED'",
        "delete from perdure.events",
    ):
        refused = run_psql(db_url, statement, role="perdure_app")
        assert refused.returncode != 0
        assert "permission denied for table" in refused.stderr


def test_failures_are_listed_and_keys_rotated(db_url: str) -> None:
    (block,) = [block for block in BLOCKS if "rotate_api_key" in block]
    psql(db_url, BLOCKS[0])
    assert [line[:8] for line in psql(db_url, block) if line.startswith("tr_")] == ["tr_prod_"]
    assert psql(db_url, "select count(*) from perdure_views.api_keys where expires_at is not null") == ["1"]


def test_a_paused_job_says_why_its_runs_wait(db_url: str) -> None:
    (block,) = [block for block in BLOCKS if "pause_job" in block]
    psql(db_url, BLOCKS[0].partition("-- cancel")[0])
    lines = psql(db_url, block)
    assert any(line.endswith("|Its job is paused by ann: the mail server moves.") for line in lines), lines
    assert lines[-1] == "0", "nobody had claimed it"
