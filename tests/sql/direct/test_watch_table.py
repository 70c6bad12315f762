"""Watched tables: which changes become which events, for whom, and what happens when one cannot be sent."""

import json
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.sql.direct.conftest import Shop
from tests.support.builders import Builders, job
from tests.support.database import Database
from tests.support.refusals import refused


def test_each_change_is_an_event_with_the_row_before_and_after(shop: Shop) -> None:
    table = shop.table("id int, total numeric")
    shop.watch(table)
    shop.writer.execute(f"insert into {table} values (1, 9.5), (2, 1)")
    shop.writer.execute(f"update {table} set total = 10 where id = 1")
    shop.writer.execute(f"delete from {table} where id = 2")
    shop.owner.execute(f"truncate {table}")
    name = table.split(".")[1]
    assert [(row.name, row.payload) for row in shop.events(table)] == [
        (
            f"{name}.{done}",
            {"operation": operation, "schema": "shop", "table": name, "old": old, "new": new},
        )
        for operation, done, old, new in [
            ("insert", "inserted", None, {"id": 1, "total": 9.5}),
            ("insert", "inserted", None, {"id": 2, "total": 1}),
            ("update", "updated", {"id": 1, "total": 9.5}, {"id": 1, "total": 10}),
            ("delete", "deleted", {"id": 2, "total": 1}, None),
            ("truncate", "truncated", None, None),
        ]
    ]


def test_an_event_starts_the_runs_that_listen_in_the_transaction_of_the_change(
    db: Database, builders: Builders
) -> None:
    endpoint = builders.endpoint(job("ship", event="order.placed"))
    with db.as_role("none") as admin:
        admin.execute("create table public.orders (id int)")
        admin.call("watch_table", endpoint.environment.id, "public.orders", {"insert": "order.placed"})
        with admin.connection.transaction(force_rollback=True):
            admin.execute("insert into public.orders values (1)")
        assert db.rows("select id from perdure_views.events") == []
        admin.execute("insert into public.orders values (2)")
    (claim,) = builders.claims()
    assert claim.body["job"]["id"] == "ship"
    assert claim.body["event"]["payload"]["new"] == {"id": 2}


def test_many_rows_of_one_statement_are_as_many_events_in_their_order(shop: Shop) -> None:
    table = shop.table("id int primary key, x int")
    shop.watch(table)
    shop.writer.execute(f"insert into {table} select n, 0 from generate_series(1, 2500) as n")
    # Every key moves on to that of its neighbour: old and new rows belong together by place, not by key.
    shop.writer.execute(f"update {table} set id = id + 2500, x = id")
    events = shop.events(table)
    assert len({row.event_id for row in events}) == 5000
    assert [row.payload["new"]["id"] for row in events[:2500]] == list(range(1, 2501))
    assert all(
        (row.payload["old"]["id"], row.payload["new"]["id"] - 2500) == (row.payload["new"]["x"],) * 2
        for row in events[2500:]
    )


def test_a_statement_that_changes_nothing_sends_nothing(shop: Shop) -> None:
    table = shop.table("id int, x int")
    shop.watch(table)
    shop.writer.execute(f"insert into {table} select 1, 1 where false")
    shop.writer.execute(f"update {table} set x = 1")
    shop.writer.execute(f"delete from {table}")
    shop.writer.execute(f"insert into {table} values (1, null)")
    shop.writer.execute(f"update {table} set x = null")
    assert [operation for operation, *_ in shop.changes(table)] == ["insert"]


def test_upserts_and_merges_are_told_as_what_they_did_to_each_row(shop: Shop) -> None:
    table = shop.table("id int primary key, x int")
    shop.watch(table)
    shop.writer.execute(f"insert into {table} values (1, 1)")
    shop.writer.execute(
        f"insert into {table} values (1, 2), (2, 2) on conflict (id) do update set x = excluded.x"
    )
    assert sorted(map(json.dumps, shop.changes(table))) == sorted(
        map(
            json.dumps,
            [
                ("insert", None, {"id": 1, "x": 1}),
                ("insert", None, {"id": 2, "x": 2}),
                ("update", {"id": 1, "x": 1}, {"id": 1, "x": 2}),
            ],
        )
    )


def test_columns_choose_what_is_shown_and_which_updates_count(shop: Shop) -> None:
    table = shop.table('id int, status text, "internal note" text')
    shop.watch(table, columns=["id", "status"])
    shop.writer.execute(f"insert into {table} values (1, 'new', 'x')")
    shop.writer.execute(f"update {table} set \"internal note\" = 'y'")
    shop.writer.execute(f"update {table} set status = 'paid'")
    assert shop.changes(table) == [
        ("insert", None, {"id": 1, "status": "new"}),
        ("update", {"id": 1, "status": "new"}, {"id": 1, "status": "paid"}),
    ]
    shop.watch(table, events={"update": "paid"}, changed=["internal note"])
    shop.writer.execute(f"update {table} set status = 'sent'")
    shop.writer.execute(f"update {table} set \"internal note\" = 'z'")
    last = shop.events(table)[2:]
    assert [(row.name, row.payload["new"]) for row in last] == [
        ("paid", {"id": 1, "status": "sent", "internal note": "z"})
    ]


def test_a_filter_chooses_by_the_payload(shop: Shop) -> None:
    table = shop.table("id int, status text")
    shop.watch(table, filter={"new": {"status": ["paid"]}})
    shop.writer.execute(f"insert into {table} values (1, 'new'), (2, 'paid')")
    shop.writer.execute(f"update {table} set status = 'paid' where id = 1")
    shop.writer.execute(f"delete from {table}")
    assert [(operation, new["id"]) for operation, _, new in shop.changes(table)] == [
        ("insert", 2),
        ("update", 1),
    ]


@pytest.mark.parametrize(
    ("type_name", "value", "json_value"),
    [
        ("numeric", "'NaN'", "NaN"),
        ("float8", "'-infinity'", "-Infinity"),
        ("float8", "0.1", 0.1),
        ("numeric", "12345678901234567890.123", 12345678901234567890.123),
        ("timestamptz", "'infinity'", "infinity"),
        ("date", "'2024-02-29'", "2024-02-29"),
        ("bytea", r"'\x00ff'", r"\x00ff"),
        ("jsonb", """'{"a": [1, null]}'""", {"a": [1, None]}),
        ("json", r"""'{"a": "\u0000"}'""", {"a": "\0"}),
        ("text", "'say \"hi\" \\ \U0001f600'", 'say "hi" \\ \U0001f600'),
        ("text[]", "'{a,null,\"b c\"}'", ["a", None, "b c"]),
        ("int[]", "'{{1,2},{3,4}}'", [[1, 2], [3, 4]]),
        ("boolean", "true", True),
        ("int4range", "'[1,5)'", "[1,5)"),
        ("uuid", "'018bcfe5-0000-7000-8000-000000000000'", "018bcfe5-0000-7000-8000-000000000000"),
        ("char(3)", "'a'", "a  "),
        ("text", f"repeat('x', {3 << 20})", "x" * (3 << 20)),
        ("shop.mood", "'ok'", "ok"),
        ("shop.mood[]", "'{ok,null,bad}'", ["ok", None, "bad"]),
        ("shop.pair", "row(1, 'x y')", '(1,"x y")'),
        ("shop.pair[]", "array[row(1, 'x')::shop.pair, null]", ["(1,x)", None]),
        ("shop.positive", "3", 3),
    ],
)
def test_values_of_every_kind(shop: Shop, type_name: str, value: str, json_value: Any) -> None:
    if shop.owner.value("select to_regtype('shop.mood')") is None:
        shop.owner.execute("create type shop.mood as enum ('ok', 'bad')")
        shop.owner.execute("create type shop.pair as (a int, b text)")
        shop.owner.execute("create domain shop.positive as int check (value > 0)")
    table = shop.table(f'x {type_name}, "e" int, "100%s" text')  # x and e are names that our query uses, too
    shop.watch(table)
    shop.writer.execute(f"insert into {table} values ({value}, null, ''), (null, 1, null)")
    full, empty = {"x": json_value, "e": None, "100%s": ""}, {"x": None, "e": 1, "100%s": None}
    assert shop.changes(table) == [("insert", None, full), ("insert", None, empty)]
    shop.writer.execute(f"update {table} set x = null where e is null")
    assert shop.changes(table)[2:] == [("update", full, {**full, "x": None})]


def test_generated_columns_are_shown_if_postgres_computes_them_for_triggers(shop: Shop) -> None:
    columns = "id int, doubled int generated always as (id * 2) stored"
    if shop.owner.connection.info.server_version >= 180000:
        columns += ", tripled int generated always as (id * 3) virtual"
    table = shop.table(columns)
    shop.watch(table)
    shop.writer.execute(f"insert into {table} values (1)")
    assert shop.changes(table) == [("insert", None, {"id": 1, "doubled": 2})]


def test_a_wide_table(shop: Shop) -> None:
    table = shop.table(", ".join(f"column_{number} int default {number}" for number in range(400)))
    shop.watch(table)
    shop.writer.execute(f"insert into {table} default values")
    ((_, _, new),) = shop.changes(table)
    assert new == {f"column_{number}": number for number in range(400)}


def test_a_partitioned_table_tells_of_all_its_partitions(shop: Shop) -> None:
    table = shop.table("id int, k int", suffix="partition by list (k)")
    for k in (1, 2):
        shop.owner.execute(f"create table {table}_{k} partition of {table} for values in ({k})")
        shop.owner.execute(f"grant all on {table}_{k} to public")
    shop.watch(table)
    shop.writer.execute(f"insert into {table} values (1, 1), (2, 2)")
    shop.writer.execute(f"update {table} set k = 3 - k")  # each row moves to the other partition
    assert sorted(map(str, shop.changes(table)[2:])) == sorted(
        map(
            str,
            [
                ("update", {"id": 1, "k": 1}, {"id": 1, "k": 2}),
                ("update", {"id": 2, "k": 2}, {"id": 2, "k": 1}),
            ],
        )
    )
    # A statement that names a partition is told where that is watched.
    shop.writer.execute(f"insert into {table}_2 values (3, 2)")
    assert len(shop.changes(table)) == 4
    shop.watch(f"{table}_2")
    shop.writer.execute(f"insert into {table}_2 values (4, 2)")
    shop.writer.execute(f"insert into {table} values (5, 2)")
    assert [new["id"] for _, _, new in shop.changes(f"{table}_2")] == [4]
    assert [new["id"] for _, _, new in shop.changes(table)[4:]] == [5]
    # Rows that vanish on the way leave nobody who could say which old row became which new one.
    shop.owner.execute(
        "create function shop.nothing() returns trigger language plpgsql as 'begin return null; end'"
    )
    shop.owner.execute(
        f"create trigger vanish before insert on {table}_1 for each row execute function shop.nothing()"
    )
    with refused("JQ002", "suppressed rows"):
        shop.writer.execute(f"update {table} set k = 3 - k")


def test_a_column_that_is_added_is_shown_at_once_and_one_that_is_gone_is_missed(shop: Shop) -> None:
    table = shop.table("id int, status text")
    shop.watch(table, columns=["id", "status"])
    other = shop.table("id int")
    shop.watch(other)
    shop.writer.execute(f"insert into {other} values (1)")
    shop.owner.execute(f"alter table {other} add column more int default 7")
    shop.writer.execute(f"insert into {other} values (2)")
    assert [new for _, _, new in shop.changes(other)] == [{"id": 1}, {"id": 2, "more": 7}]
    shop.owner.execute(f"alter table {table} drop column status")
    with refused("JQ010", "has no column status"):
        shop.writer.execute(f"insert into {table} values (1)")
    shop.watch(table, columns=["id"])
    shop.writer.execute(f"insert into {table} values (1)")
    assert shop.changes(table) == [("insert", None, {"id": 1})]


def test_watching_again_replaces_the_options_and_unwatching_ends_it(shop: Shop) -> None:
    table = shop.table("id int")
    shop.watch(table)
    shop.watch(table, events={"insert": "order.placed", "delete": "order.gone"}, columns=["id"])
    assert shop.owner.rows(
        "select operation, event, shown, changed, filter, enabled from perdure_views.watched_tables "
        "where schema_name = 'shop' and table_name = %s order by operation",
        table.split(".")[1],
    ) == [
        ("delete", "order.gone", ["id"], None, None, True),
        ("insert", "order.placed", ["id"], None, None, True),
    ]
    shop.owner.execute(f"alter table {table} rename to {table.split('.')[1]}_renamed")
    table += "_renamed"
    shop.writer.execute(f"insert into {table} values (1)")
    assert [row.name for row in shop.events(table)] == ["order.placed"]
    assert shop.owner.call("unwatch_table", shop.environment.id, table) is True
    assert shop.owner.call("unwatch_table", shop.environment.id, table) is False
    shop.writer.execute(f"insert into {table} values (2)")
    assert len(shop.events(table)) == 1


def test_two_environments_watch_one_table_apart(shop: Shop, pure_db: Database) -> None:
    other = Builders(pure_db).environment(project=f"other-{uuid4().hex[:8]}")
    table = shop.table("id int")
    shop.watch(table)
    shop.owner.call("watch_table", other.id, table, {"insert": "there"})
    shop.writer.execute(f"insert into {table} values (1)")
    assert sorted(row.name for row in shop.events(table)) == [f"{table.split('.')[1]}.inserted", "there"]
    shop.owner.call("unwatch_table", shop.environment.id, table)
    shop.writer.execute(f"insert into {table} values (2)")
    assert len(shop.events(table)) == 3
    assert shop.owner.call("unwatch_table", None, table) is True


def test_what_cannot_be_sent_undoes_the_statement_and_says_so(shop: Shop, pure_db: Database) -> None:
    table = shop.table("id int")
    shop.watch(table, events={"insert": "placed"})
    with pure_db.as_role("none") as admin, admin.connection.transaction(force_rollback=True):
        admin.execute("revoke execute on function perdure.send_events from perdure_owner")
        with pytest.raises(psycopg.DatabaseError) as caught:
            admin.execute(f"insert into {table} values (1)")
    assert caught.value.sqlstate == "42501"
    message = caught.value.diag.message_primary or ""
    assert f"the insert of {table} is undone, since its event 'placed' cannot be sent" in message
    assert "send_events" in message
    assert "unwatch_table" in (caught.value.diag.message_hint or "")
    assert shop.owner.rows(f"select from {table}") == []


@pytest.mark.parametrize(
    ("options", "sqlstate", "words"),
    [
        ({"events": {}}, "JQ010", ["p_events must name an operation"]),
        ({"events": {"upsert": "x"}}, "JQ010", ["p_events.upsert", "insert, update, delete and truncate"]),
        ({"events": {"insert": ""}}, "JQ010", ["p_events.insert", "name of an event"]),
        ({"events": {"insert": None}}, "JQ010", ["p_events.insert"]),
        ({"events": ["insert"]}, "JQ010", ["p_events must be an object"]),
        ({"columns": []}, "JQ010", ["p_columns"]),
        ({"columns": ["id", "no such"]}, "JQ010", ['no column "no such"']),
        ({"columns": ["ctid"]}, "JQ010", ["no column ctid"]),
        ({"changed": ["nope"]}, "JQ010", ["no column nope"]),
        ({"filter": ["paid"]}, "JQ010", ["p_filter must be an object"]),
    ],
)
def test_a_watch_that_could_not_work_is_refused(
    shop: Shop, options: dict[str, Any], sqlstate: str, words: list[str]
) -> None:
    table = shop.table("id int")
    with refused(sqlstate, *words):
        shop.watch(table, **options)
    assert shop.owner.rows("select from pg_trigger where tgrelid = %s::regclass", table) == []


def test_only_tables_of_the_caller_can_be_watched(shop: Shop, pure_db: Database) -> None:
    with refused("JQ001", "there is no environment"):
        shop.owner.call("watch_table", str(uuid4()), shop.table("id int"))
    shop.owner.execute("create or replace view shop.a_view as select 1 as id")
    for name in ("shop.a_view", "perdure_views.runs", "pg_catalog.pg_class"):
        with refused("JQ002", "cannot be watched"):
            shop.watch(name)
    with pure_db.as_role("none") as admin:
        admin.execute("create table if not exists public.of_admin (id int)")
        with refused("JQ002", shop.owner_role, "public.of_admin"):
            shop.watch("public.of_admin")
        with refused("JQ002", "cannot be watched"):
            admin.call("watch_table", shop.environment.id, "perdure.events")
    with refused("42501"):
        shop.writer.call("watch_table", shop.environment.id, shop.table("id int"))


def test_nothing_that_others_wrote_runs_as_the_owner_of_perdure(shop: Shop, pure_db: Database) -> None:
    """A cast to json of one's own, which to_json would call; a view where our transition tables should be."""
    shop.owner.execute("create type shop.trojan as (a int)")
    for to in ("json", "text"):
        shop.owner.execute(
            f"create function shop.trojan_{to}(shop.trojan) returns {to} language plpgsql as "
            "$$ begin raise exception 'called as %', current_user; end $$"
        )
        shop.owner.execute(f"create cast (shop.trojan as {to}) with function shop.trojan_{to} as assignment")
    shop.owner.execute("create type shop.horse as (t shop.trojan)")
    table = shop.table("t shop.trojan, ts shop.trojan[], h shop.horse")
    shop.watch(table)
    shop.writer.execute(f"insert into {table} values (row(1), array[row(1)::shop.trojan], null)")
    shop.writer.execute(f"insert into {table} values (null, null, row(row(2)))")
    assert [new for _, _, new in shop.changes(table)] == [
        {"t": "(1)", "ts": ["(1)"], "h": None},
        {"t": None, "ts": None, "h": '("(2)")'},
    ]

    table = shop.table("id int")
    arguments = json.dumps({"environmentId": shop.environment.id, "event": "forged"})
    shop.owner.execute(
        f"create trigger forged after insert on {table} for each row "
        f"execute function perdure.tg_watched_table__send_events('{arguments}')"
    )
    with pure_db.as_role(shop.owner_role) as forger:
        with refused("42P01", "perdure_new"):
            forger.execute(f"insert into {table} values (1)")
        forger.execute("create temp view perdure_new as select shop.trojan_json(null) as x")
        with refused("JQ002", "perdure_new"):
            forger.execute(f"insert into {table} values (1)")


def test_triggers_that_somebody_else_made_do_not_break_the_view(shop: Shop) -> None:
    before = len(shop.owner.rows("select from perdure_views.watched_tables"))
    for arguments in ("", "'junk'", "'{\"a\": 1}', 'more'", '\'{"environmentId": "x"}\''):
        table = shop.table("id int")
        shop.owner.execute(
            f"create trigger odd after insert on {table} referencing new table as perdure_new "
            f"for each statement execute function perdure.tg_watched_table__send_events({arguments})"
        )
    assert len(shop.owner.rows("select from perdure_views.watched_tables")) >= before


def test_the_watch_does_not_depend_on_the_writers_search_path(shop: Shop) -> None:
    table = shop.table("id int")
    shop.watch(table)
    shop.writer.execute("set search_path = ''")
    try:
        shop.writer.execute(f"insert into {table} values (1)")
    finally:
        shop.writer.execute("reset search_path")
    assert len(shop.changes(table)) == 1
