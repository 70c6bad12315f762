"""Build ``sql/migrations/0001_initial.sql`` from ``sql/schema/``: its files in order, one after the other.

    python scripts/build_initial_migration.py           write it
    python scripts/build_initial_migration.py --check   exit 1 when it is not up to date

Until the first release the tables are only in ``sql/schema/``, and this file follows them. From then on it
is never built again: a change needs the table's file and a migration.
"""

import argparse
import sys
from pathlib import Path

SQL_FOLDER = Path(__file__).resolve().parents[1] / "sql"
HEADER = """\
-- 0001_initial.sql: every table of the first release.
-- Built from sql/schema/ by scripts/build_initial_migration.py; edit those files.
-- Phase expand. Locks nothing that exists. Data none.
"""


def initial_migration(schema_folder: Path) -> str:
    """The migration's text: the header and the files of ``schema_folder`` by name."""
    files = sorted(schema_folder.glob("*.sql"))
    return HEADER + "".join(f"\n{file.read_text(encoding='utf-8').strip()}\n" for file in files)


def main(arguments: list[str] | None = None) -> int:
    """Write or check the file; returns the exit status."""
    parser = argparse.ArgumentParser(description="build sql/migrations/0001_initial.sql from sql/schema/")
    parser.add_argument(
        "--check", action="store_true", help="change nothing, exit 1 when it is not up to date"
    )
    options = parser.parse_args(arguments)
    target = SQL_FOLDER / "migrations" / "0001_initial.sql"
    text = initial_migration(SQL_FOLDER / "schema")
    if target.exists() and target.read_text(encoding="utf-8") == text:
        return 0
    if options.check:
        print(f"{target.name} is not what sql/schema/ says: run {Path(__file__).name}", file=sys.stderr)
        return 1
    target.parent.mkdir(exist_ok=True)
    target.write_text(text, encoding="utf-8")
    print(f"{target.name} written", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
