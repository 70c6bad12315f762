"""Event filters in SQL and in Python agree on random filters and documents.

In CI the same ``PAIRS`` are tried each time. For others, and more of them, give their number::

    PERDURE_TEST_FILTERS=1000000 make test TESTS=tests/sql/events/test_filters_property.py \\
        PYTEST_FLAGS="-o faulthandler_timeout=0"
"""

import json
import os
from collections import Counter
from collections.abc import Iterator
from random import SystemRandom
from typing import Any

import pytest

from tests.sql.events.filter_draws import Draws
from tests.sql.events.filter_model import OPERATORS, operator_holds, passes, read
from tests.support.database import Database

PAIRS = 20_000
LONG = os.environ.get("PERDURE_TEST_FILTERS")
BATCH = 2_000

MATCHES = """
    select array_agg(perdure.event_matches(p.filter::jsonb, p.document::jsonb) order by p.ordinal)
    from unnest(%s::text[], %s::text[]) with ordinality as p (filter, document, ordinal)
"""


@pytest.fixture
def draws() -> Draws:
    return Draws(SystemRandom().randrange(2**32) if LONG else 1)


def batches() -> Iterator[range]:
    """The pairs to draw, so many at a time."""
    pairs = int(LONG) if LONG else PAIRS
    for start in range(0, pairs, BATCH):
        yield range(min(BATCH, pairs - start))


def agreed(db: Database, pairs: list[tuple[Any, Any]]) -> list[bool]:
    """Which filters pass their documents; fails with the shortest pair on which SQL and the model differ."""
    texts = [tuple(json.dumps(side, ensure_ascii=False) for side in pair) for pair in pairs]
    found: list[bool] = db.value(
        MATCHES, [filter for filter, _ in texts], [document for _, document in texts]
    )
    expected = [passes(read(filter), read(document)) for filter, document in texts]
    differing = [text for text, one, other in zip(texts, found, expected, strict=True) if one is not other]
    if differing:
        filter, document = min(differing, key=lambda text: len(text[0]) + len(text[1]))
        pytest.fail(
            f"{len(differing)} of {len(pairs)} differ; the model says "
            f"{passes(read(filter), read(document))} for the filter {filter} and the document {document}"
        )
    return found


def test_any_filter_on_any_document(pure_db: Database, draws: Draws) -> None:
    outcomes = Counter[bool]()
    for batch in batches():
        outcomes.update(agreed(pure_db, [draws.pair() for _ in batch]))
    share = outcomes[True] / outcomes.total()
    assert 0.4 < share < 0.6, "the draws should match about half of the time"


def test_any_operator_on_any_value(pure_db: Database, draws: Draws) -> None:
    outcomes = Counter[tuple[str, bool]]()
    for batch in batches():
        drawn = [draws.operator() for _ in batch]
        agreed(pure_db, [({"k": [operator]}, {"k": value}) for operator, value in drawn])
        for operator, value in drawn:
            if isinstance(operator, dict) and len(operator) == 1:
                (name,) = operator
                holds = operator_holds(read(json.dumps(operator)), read(json.dumps(value)))
                outcomes[name, holds] += 1
    rare = {(name, holds) for name in OPERATORS for holds in (True, False) if outcomes[name, holds] < 50}
    assert rare == set(), "each operator should hold often, and often not"
