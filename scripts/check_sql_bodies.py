"""Check what sqlfluff skips: bodies and rights of the SQL functions, in a database that has them.

    make lint-sql-bodies DATABASE_URL=postgresql://…

Three checks, each fatal:

* plpgsql_check (the extension must be available on the server) over every PL/pgSQL function of ours: errors,
  unused or never read names, hidden casts, SQL injection. Performance warnings are off: most complain of
  functions that are volatile on purpose.
* the catalogue: a fixed ``search_path`` on every function whose body is looked up at run time, no
  ``security definer`` function that belongs to a superuser, none that everybody may execute.
* pgspot over the files in ``sql/``: names and operators that a search path could redirect.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
from pglast import ast, parse_sql
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from perdure_engine.migrator.source import default_source

SCHEMAS = ["perdure", "perdure_views"]
SAFE_SEARCH_PATH = "search_path=pg_catalog, pg_temp"

# One row a function, and one a table for a trigger function: its body can be checked only against a table.
PLPGSQL_FUNCTIONS: LiteralString = """
    select p.oid::regprocedure::text, p.oid, coalesce(t.tgrelid, 0), p.prorettype = 'trigger'::regtype
    from pg_proc as p
    join pg_language as l on l.oid = p.prolang and l.lanname = 'plpgsql'
    left join (select distinct tgfoid, tgrelid from pg_trigger where not tgisinternal) as t
        on t.tgfoid = p.oid
    where p.pronamespace = any(%s::text[]::regnamespace[])
    order by 1, 3
"""

CHECK_BODY: LiteralString = """
    select lineno, level, sqlstate, message, coalesce(detail, hint)
    from {schema}.plpgsql_check_function_tb(
        funcoid := %s, relid := %s, fatal_errors := false, other_warnings := true, extra_warnings := true,
        security_warnings := true, performance_warnings := false
    )
"""

RIGHTS: LiteralString = """
    select
        p.oid::regprocedure::text,
        p.prosecdef,
        -- a standard SQL body (return …, begin atomic …) is bound to its objects when it is created
        l.lanname in ('plpgsql', 'sql') and p.prosqlbody is null as looked_up,
        coalesce((select c from unnest(p.proconfig) as c where c like 'search_path=%%'), ''),
        r.rolsuper,
        exists (
            select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a
            where a.grantee = 0 and a.privilege_type = 'EXECUTE'
        )
    from pg_proc as p
    join pg_language as l on l.oid = p.prolang
    join pg_roles as r on r.oid = p.proowner
    where p.pronamespace = any(%s::text[]::regnamespace[])
    order by 1
"""


def main() -> int:
    """Run the three checks; exit 0 when all is well, 1 with a line for each problem, 2 on bad usage."""
    parser = argparse.ArgumentParser(description="Check the bodies and the rights of the SQL functions.")
    parser.add_argument(
        "--database-url",
        default=os.environ.get("DATABASE_URL"),
        help="a database that has our schema; the user must be able to create the extension plpgsql_check",
    )
    options = parser.parse_args()
    if not options.database_url:
        parser.error(
            "give --database-url, or set DATABASE_URL, to a database that perdure migrate has run on"
        )

    try:
        connection = psycopg.connect(options.database_url)
    except psycopg.Error as error:
        parser.error(f"no connection to the database of --database-url or DATABASE_URL: {error}")
    with connection:
        watch_a_table(connection)
        problems = [*check_bodies(connection), *check_rights(connection)]
        connection.rollback()  # the extension goes again
    problems += check_files()

    for problem in problems:
        print(problem)
    print(
        f"SQL functions: {len(problems)} problems" if problems else "SQL functions: no problem",
        file=sys.stderr,
    )
    return 1 if problems else 0


def watch_a_table(connection: psycopg.Connection[TupleRow]) -> None:
    """Give the trigger function of watched tables a trigger: it is made on the tables of users only."""
    connection.execute("create table public.perdure_lint (id int)")
    connection.execute("select perdure.create_project('perdure-lint', 'perdure-lint')")
    connection.execute(
        "select perdure.watch_table(perdure.get_environment('perdure-lint', 'dev'), 'public.perdure_lint')"
    )


def check_bodies(connection: psycopg.Connection[TupleRow]) -> Iterator[str]:
    """Yield what plpgsql_check says of each PL/pgSQL function, and a function that it cannot check."""
    try:
        connection.execute("create extension if not exists plpgsql_check")
    except psycopg.errors.UndefinedFile as error:
        raise SystemExit(
            "this server does not offer plpgsql_check: on Debian install postgresql-15-plpgsql-check "
            "(the number is the server's version) and try again"
        ) from error
    schema = _value(
        connection,
        "select n.nspname from pg_extension as e join pg_namespace as n on n.oid = e.extnamespace "
        "where e.extname = 'plpgsql_check'",
    )
    functions = connection.execute(PLPGSQL_FUNCTIONS, [SCHEMAS]).fetchall()
    if not functions:
        raise SystemExit("there is no function of ours in this database: run perdure migrate on it first")
    check = SQL(CHECK_BODY).format(schema=Identifier(str(schema)))
    for signature, oid, table, is_trigger in functions:
        if is_trigger and not table:
            yield f"{signature}: a trigger function that no trigger calls: drop it, or create its trigger"
            continue
        for line, level, sqlstate, message, more in connection.execute(check, [oid, table]):
            where = f"{signature}:{line}" if line else signature
            yield f"{where}: {level} {sqlstate}: {message}" + (f" ({more})" if more else "")


def check_rights(connection: psycopg.Connection[TupleRow]) -> Iterator[str]:
    """Yield a line for each function whose search path or rights are not as they must be."""
    for signature, is_definer, is_looked_up, search_path, is_superusers, is_public in connection.execute(
        RIGHTS, [SCHEMAS]
    ):
        if (is_definer or is_looked_up) and search_path != SAFE_SEARCH_PATH:
            yield f"{signature}: needs `set search_path = pg_catalog, pg_temp`, has {search_path or 'none'}"
        if is_definer and is_superusers:
            yield f"{signature}: is security definer and belongs to a superuser: give it to perdure_owner"
        if is_public:
            yield f"{signature}: everybody may execute it: revoke execute from public"


def check_files() -> Iterator[str]:
    """Yield what pgspot says of ``sql/``, read in the order and with the search path of an installation.

    Left out are functions with a standard SQL body: pgspot cannot read them, and they are bound when created.
    """
    source = default_source()
    files = [*(migration.file for migration in source.migrations), *source.functions]
    texts = [file.text for file in files if _is_readable(file.text)]
    script = "\n".join(["set search_path to pg_catalog, pg_temp;", *texts])
    pgspot = subprocess.run(
        [Path(sys.executable).with_name("pgspot")], input=script, capture_output=True, text=True, check=False
    )
    if pgspot.returncode not in (0, 1) or pgspot.stderr:
        raise SystemExit(f"pgspot failed: {pgspot.stderr}")
    *lines, summary = filter(None, map(str.strip, pgspot.stdout.splitlines()))
    if pgspot.returncode and not lines:
        yield f"pgspot: {summary}"
    for line in lines:
        yield f"pgspot: {line}"


def _is_readable(text: str) -> bool:
    statements = (raw.stmt for raw in parse_sql(text))
    return not any(isinstance(s, ast.CreateFunctionStmt) and s.sql_body is not None for s in statements)


def _value(connection: psycopg.Connection[TupleRow], query: LiteralString) -> object:
    row = connection.execute(query).fetchone()
    if row is None:
        raise LookupError(f"no row: {query}")
    return row[0]


if __name__ == "__main__":
    sys.exit(main())
