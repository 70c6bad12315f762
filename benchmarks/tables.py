"""Tables of what the rounds measured."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from .measure import Row, number_text, print_table, spread
from .rounds import Contender, cases_of

Rounds = list[dict[str, float]]
_SHOWN = 100
"""Characters of a statement."""


def print_workload(title: str, contenders: Sequence[Contender]) -> None:
    """Print results, costs, settings, and what was left out with the reason.

    A result is ``median (minimum–maximum) ×ratio``: the ratio to the first contender is the median of the
    ratios within each round.
    """
    results: list[Row] = []
    costs: list[Row] = []
    for contender in contenders:
        first = contenders[0] if contenders[0] is not contender else None
        for case in cases_of(contender):
            name: Row = {"system": contender.label} | ({"case": case} if case else {})
            for rows, part, with_spread in ((results, "results", None), (costs, "costs", 1)):
                measured = _rounds_of(contender, case, part)
                compared = _rounds_of(first, case, part) if first else []
                columns = _columns(measured)
                cells = {column: _cell(column, measured, compared) for column in columns[:with_spread]}
                cells |= {column: _median(column, measured) for column in columns[len(cells) :]}
                if cells:
                    rows.append(name | cells)
    print_table(title, results)
    print_table(f"{title}: costs, medians", costs)
    for contender in contenders:
        if contender.settings:
            print(f"  {contender.label}: {contender.settings}")
        for reason in contender.left_out:
            print(f"  {contender.label}: LEFT OUT: {reason}")


def print_statements(contenders: Sequence[Contender]) -> None:
    """Print what each contender's Postgres spent its time on in the last round."""
    for contender in contenders:
        for figures in contender.rounds[-1] if contender.rounds else []:
            rows = [
                {
                    "calls": statement.calls,
                    "ms/call": number_text(statement.ms / statement.calls),
                    "ms": number_text(statement.ms),
                    "WAL bytes": number_text(statement.wal_bytes),
                    "statement": " ".join(statement.text.split())[:_SHOWN],
                }
                for statement in figures.statements
            ]
            print_table(f"{contender.label} {figures.case}: statements of the last round", rows)


def _rounds_of(contender: Contender, case: str, part: str) -> Rounds:
    """The results or costs of a case, a dict a round; empty for a round that does not have it."""
    return [
        next((getattr(figures, part) for figures in round_ if figures.case == case), {})
        for round_ in contender.rounds
    ]


def _columns(rounds: Rounds) -> list[str]:
    return list(dict.fromkeys(column for round_ in rounds for column in round_))


def _values(column: str, rounds: Rounds) -> list[float]:
    return [round_[column] for round_ in rounds if column in round_]


def _median(column: str, rounds: Rounds) -> str:
    return number_text(statistics.median(_values(column, rounds)))


def _cell(column: str, rounds: Rounds, compared: Rounds) -> str:
    ratios = [
        ours[column] / others[column]
        for ours, others in zip(rounds, compared, strict=False)
        if ours.get(column) is not None and others.get(column)
    ]
    text = spread(_values(column, rounds))
    return f"{text} ×{statistics.median(ratios):.2f}" if ratios else text
