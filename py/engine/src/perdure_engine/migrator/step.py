"""The unit of the migrator's work: statements that happen together."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL to send as it is: one statement, or a whole file of them."""

    text: str
    origin: str = ""
    """The file it comes from, for error messages; empty for the migrator's own."""


@dataclass(frozen=True, slots=True)
class Step:
    """Statements in order, in one transaction unless said otherwise."""

    title: str
    statements: tuple[Statement, ...]
    in_transaction: bool = True


def as_script(step: Step) -> str:
    """The step as text that psql can run."""
    lines = [f"-- {step.title}"]
    if step.in_transaction:
        lines.append("begin;")
    for statement in step.statements:
        if statement.origin:
            lines += [f"-- from {statement.origin}", statement.text.rstrip()]
        else:
            lines.append(statement.text.rstrip().removesuffix(";") + ";")
    if step.in_transaction:
        lines.append("commit;")
    return "\n".join(lines) + "\n"
