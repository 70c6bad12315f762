"""Uninstalling: nothing of ours stays, and nothing of others goes."""

import shutil
from collections.abc import Iterator

import psycopg
import pytest
from pgmq.install import get_embedded_install_sql

from perdure_engine.embedded import FAST_SETTINGS
from perdure_engine.migrator import SqlSource, default_source, migrate, uninstall
from tests.engine.conftest import MakeServer
from tests.support.fix_database import TestServer, fast_folder

from .conftest import bare_database
from .test_migrate import ALL_STEPS, ask, quiet

EVERYTHING = """
select array_agg(thing order by thing) from (
    select 'schema ' || nspname from pg_namespace where nspname !~ '^pg_(toast_)?temp'
    union all select 'role ' || rolname from pg_roles
    union all select 'extension ' || extname from pg_extension
    union all
    select 'relation ' || oid::regclass::text from pg_class where relnamespace <> 'pg_toast'::regnamespace
    union all select 'function ' || oid::regprocedure::text from pg_proc
    union all
    select 'type ' || oid::regtype::text from pg_type where typnamespace <> 'pg_toast'::regnamespace
    union all
    select 'rights on database ' || coalesce(datacl, acldefault('d', datdba))::text
    from pg_database where datname = current_database()
    union all select 'default rights ' || d.oid::text from pg_default_acl as d
    union all select 'trigger ' || evtname from pg_event_trigger
) as things (thing)
"""


def test_nothing_of_ours_stays(any_bare_url: str) -> None:
    ask(any_bare_url, "create table public.bystander (n integer)")
    before = ask(any_bare_url, EVERYTHING)
    migrate(any_bare_url, source=default_source(), echo=quiet)
    assert ask(any_bare_url, EVERYTHING) != before
    report = uninstall(any_bare_url, echo=quiet)
    assert report.kept == ()
    assert ask(any_bare_url, EVERYTHING) == before


def test_uninstalling_what_is_not_there_is_no_error(bare_url: str) -> None:
    assert uninstall(bare_url, echo=quiet).removed == ()


def test_pgmq_stays_when_others_use_it(bare_url: str, source: SqlSource) -> None:
    migrate(bare_url, source=source, echo=quiet)
    ask(bare_url, "select pgmq.create('orders')")
    report = uninstall(bare_url, echo=quiet)
    assert report.kept == ("pgmq: other queues use it (orders)",)
    assert ask(bare_url, "select count(*) from pgmq.q_orders") == 0
    assert ask(bare_url, "select count(*) from pgmq.list_queues()") == 1


def test_pgmq_stays_when_it_was_there_before(bare_url: str, source: SqlSource) -> None:
    with psycopg.connect(bare_url) as connection:
        connection.execute(get_embedded_install_sql().encode())
    assert migrate(bare_url, source=source, echo=quiet).steps == (ALL_STEPS[0], *ALL_STEPS[2:])
    assert uninstall(bare_url, echo=quiet).kept == ("pgmq: it was there before",)
    assert ask(bare_url, "select count(*) from pgmq.list_queues()") == 0


def test_roles_stay_while_another_database_needs_them(pg18: TestServer, source: SqlSource) -> None:
    with bare_database(pg18) as first, pg18.janitor("bare_other"):
        other = pg18.url("bare_other")
        for url in (first, other):
            migrate(url, source=source, echo=quiet)
        report = uninstall(first, echo=quiet)
        assert [line for line in report.kept if line.startswith("role perdure_owner: ")]
        assert ask(other, "set role perdure_app", "select perdure.count_things()") == 0
        assert migrate(first, source=source, echo=quiet).steps == ALL_STEPS
        uninstall(first, echo=quiet)
        assert uninstall(other, echo=quiet).kept == ()


def test_what_others_built_on_our_tables_goes_and_their_tables_stay(bare_url: str, source: SqlSource) -> None:
    migrate(bare_url, source=source, echo=quiet)
    ask(
        bare_url,
        "create table public.orders (n integer)",
        "create view public.mine as select * from perdure.things",
    )
    uninstall(bare_url, echo=quiet)
    assert ask(bare_url, "select to_regclass('public.mine')") is None
    assert ask(bare_url, "select count(*) from public.orders") == 0


@pytest.fixture
def server_with_extension(make_server: MakeServer) -> Iterator[TestServer]:
    """A server that offers pgmq as an extension, put together from the same SQL."""
    folder = fast_folder("perdure-extension-")
    folder.chmod(0o755)
    (folder / "extension").mkdir()
    control = ["comment = 'queues'", "default_version = '1.13.0'", "schema = 'pgmq'", "superuser = false"]
    (folder / "extension" / "pgmq.control").write_text("\n".join(control))
    (folder / "extension" / "pgmq--1.13.0.sql").write_text(get_embedded_install_sql())
    settings = {**FAST_SETTINGS, "extension_control_path": f"{folder}:$system"}
    yield TestServer(make_server(listen_port=0, settings=settings).start().url(tcp=True))
    shutil.rmtree(folder)


def test_the_extension_is_preferred_and_stays(server_with_extension: TestServer, source: SqlSource) -> None:
    with bare_database(server_with_extension) as url:
        assert migrate(url, source=source, echo=quiet).steps == ("roles", "extension pgmq", *ALL_STEPS[2:])
        assert ask(url, "select extversion from pg_extension where extname = 'pgmq'") == "1.13.0"
        assert migrate(url, source=source, echo=quiet).steps == ()
        assert uninstall(url, echo=quiet).kept == ("pgmq: it was there before",)
        assert ask(url, "select count(*) from pg_extension where extname = 'pgmq'") == 1
