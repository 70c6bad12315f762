"""The order of versions: semver.org section 11."""

from itertools import pairwise

import pytest

from tests.support.database import Database

ASCENDING = [
    "0.0.1",
    "0.1.0",
    "1.0.0-0",
    "1.0.0-2",
    "1.0.0-11",
    "1.0.0-20240131120000",
    "1.0.0-20240131120001",
    "1.0.0-120240131120000",
    "1.0.0--",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.1.0",
    "1.0.0-alpha.beta",
    "1.0.0-alpha-1",
    "1.0.0-alpha1",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "1.2.0",
    "1.9.0",
    "1.10.0-rc.1",
    "1.10.0",
    "1.10.2",
    "1.10.10",
    "2.0.0",
    "10.0.0",
    "999999999.0.0",
]


def test_keys_sort_as_versions_do(pure_db: Database) -> None:
    shuffled = sorted(ASCENDING, key=lambda version: version[::-1])
    rows = pure_db.rows(
        """
        select v.version from unnest(%s::text[]) as v (version)
        order by perdure._semver_key(v.version) collate "C"
        """,
        shuffled,
    )
    assert [row.version for row in rows] == ASCENDING


@pytest.mark.parametrize(("lower", "higher"), list(pairwise(ASCENDING)))
def test_each_version_is_below_the_next(pure_db: Database, lower: str, higher: str) -> None:
    query = """select perdure._semver_key(%s) collate "C" < perdure._semver_key(%s)"""
    assert pure_db.value(query, lower, higher)
    assert not pure_db.value(query, higher, lower)


def test_build_metadata_does_not_count(pure_db: Database) -> None:
    keys = [pure_db.call("_semver_key", version) for version in ("1.0.0", "1.0.0+a", "1.0.0+b-c.d")]
    assert len(set(keys)) == 1
    keys = [pure_db.call("_semver_key", version) for version in ("1.0.0-rc.1", "1.0.0-rc.1+7")]
    assert len(set(keys)) == 1
