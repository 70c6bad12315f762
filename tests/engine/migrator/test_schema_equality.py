"""A database built from ``sql/schema/`` equals one that went through ``sql/migrations/``."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from perdure_engine.migrator import SqlSource, default_source, migrate
from scripts import build_initial_migration
from scripts.build_initial_migration import initial_migration
from tests.support.fix_database import TestServer

from .conftest import bare_database
from .test_migrate import quiet

# Each query describes one kind of thing by name, never by number: a column that a migration added is last
# there only.
CATALOGUES = {
    "columns": """
        select n.nspname, c.relname, c.relkind::text, a.attname, format_type(a.atttypid, a.atttypmod),
            a.attnotnull, a.attidentity::text, a.attgenerated::text, pg_get_expr(d.adbin, d.adrelid),
            a.attstorage::text, col_description(c.oid, a.attnum), a.attacl::text
        from pg_class as c
        inner join pg_namespace as n on n.oid = c.relnamespace
        inner join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        left join pg_attrdef as d on d.adrelid = c.oid and d.adnum = a.attnum
        where n.nspname like 'perdure%' and c.relkind <> 'i'
    """,
    "relations": """
        select n.nspname, c.relname, c.relkind::text, c.relpersistence::text, c.reloptions::text,
            c.relowner::regrole::text, c.relacl::text, obj_description(c.oid, 'pg_class'),
            pg_get_partkeydef(c.oid), c.relrowsecurity,
            case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) end
        from pg_class as c inner join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname like 'perdure%'
    """,
    "constraints": """
        select n.nspname, c.conrelid::regclass::text, c.conname, pg_get_constraintdef(c.oid),
            obj_description(c.oid, 'pg_constraint')
        from pg_constraint as c inner join pg_namespace as n on n.oid = c.connamespace
        where n.nspname like 'perdure%'
    """,
    "indexes": """
        select indrelid::regclass::text, indexrelid::regclass::text, pg_get_indexdef(indexrelid), indisvalid,
            obj_description(indexrelid, 'pg_class')
        from pg_index inner join pg_class as c on c.oid = indexrelid
        where c.relnamespace::regnamespace::text like 'perdure%'
    """,
    "functions": """
        select p.oid::regprocedure::text, pg_get_functiondef(p.oid), p.proowner::regrole::text,
            p.proacl::text, obj_description(p.oid, 'pg_proc')
        from pg_proc as p where p.pronamespace::regnamespace::text like 'perdure%'
    """,
    "triggers": """
        select t.tgrelid::regclass::text, pg_get_triggerdef(t.oid), t.tgenabled::text,
            obj_description(t.oid, 'pg_trigger')
        from pg_trigger as t inner join pg_class as c on c.oid = t.tgrelid
        where c.relnamespace::regnamespace::text like 'perdure%' and not t.tgisinternal
    """,
    "types": """
        select t.oid::regtype::text, t.typtype::text, t.typacl::text, obj_description(t.oid, 'pg_type'),
            array(select e.enumlabel::text from pg_enum as e where e.enumtypid = t.oid order by enumsortorder)
        from pg_type as t where t.typnamespace::regnamespace::text like 'perdure%'
    """,
    "schemas": """
        select nspname, nspowner::regrole::text, nspacl::text, obj_description(oid, 'pg_namespace')
        from pg_namespace where nspname like 'perdure%'
    """,
    "default rights": """
        select defaclrole::regrole::text, defaclnamespace::regnamespace::text, defaclobjtype::text,
            defaclacl::text
        from pg_default_acl
    """,
    "rows": """
        select 'settings', s::text from perdure.settings as s
    """,
}


def describe(url: str) -> dict[str, list[str]]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set search_path = pg_catalog")
        return {
            kind: sorted(map(str, connection.execute(query.encode()).fetchall()))
            for kind, query in CATALOGUES.items()
        }


@pytest.fixture
def built_from_migrations(pg18: TestServer) -> Iterator[dict[str, list[str]]]:
    with bare_database(pg18) as url:
        migrate(url, echo=quiet)
        yield describe(url)


def test_schema_and_migrations_build_equal_databases(
    pg18: TestServer, tmp_path: Path, built_from_migrations: dict[str, list[str]]
) -> None:
    released = default_source().folder
    (tmp_path / "functions").symlink_to(released / "functions")
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "0001_schema.sql").write_text(initial_migration(released / "schema"))
    with pg18.janitor("built_from_schema"):
        url = pg18.url("built_from_schema")
        migrate(url, source=SqlSource(tmp_path), echo=quiet)
        built_from_schema = describe(url)
    for kind, things in built_from_schema.items():
        assert things == built_from_migrations[kind], f"{kind} differ"
    assert all(
        built_from_schema[kind] for kind in ("columns", "constraints", "indexes", "functions", "triggers")
    )


def test_the_script_only_checks_when_asked_to(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(build_initial_migration, "SQL_FOLDER", tmp_path)
    (tmp_path / "schema").mkdir()
    for name in ("10_b", "00_a"):
        (tmp_path / "schema" / f"{name}.sql").write_text(f"-- {name}\n")
    built = tmp_path / "migrations" / "0001_initial.sql"
    assert build_initial_migration.main(["--check"]) == 1
    assert not built.exists()
    assert build_initial_migration.main([]) == 0
    assert built.read_text().endswith("\n\n-- 00_a\n\n-- 10_b\n")
    assert build_initial_migration.main(["--check"]) == 0


def test_until_the_first_release_the_initial_migration_is_the_schema() -> None:
    folder = default_source().folder
    built = initial_migration(folder / "schema")
    assert (folder / "migrations" / "0001_initial.sql").read_text() == built, (
        "run scripts/build_initial_migration.py"
    )
