"""How values cross between Python and Postgres here: JSON as bytes, untouched, and ids as text."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap, Dumper, Loader
from psycopg.pq import Format
from psycopg.types.string import TextLoader


@dataclass(frozen=True, slots=True)
class Json:
    """A JSON document on its way to Postgres, as it came off the wire; Postgres checks it."""

    document: bytes


class _JsonDumper(Dumper):
    oid = psycopg.adapters.types["json"].oid

    def dump(self, obj: Json) -> Buffer:
        return obj.document


class _JsonLoader(Loader):
    format = Format.TEXT

    def load(self, data: Buffer) -> bytes:
        return bytes(data)


def engine_adapters() -> AdaptersMap:
    """Psycopg's adapters with ours on top; pass it as ``context`` when connecting."""
    adapters = AdaptersMap(psycopg.adapters)
    adapters.register_dumper(Json, _JsonDumper)
    for name in ("json", "jsonb"):
        adapters.register_loader(name, _JsonLoader)
    adapters.register_loader("uuid", TextLoader)
    return adapters


def json_array(documents: Sequence[bytes]) -> bytes:
    """One JSON array of documents that are known to be valid JSON each: they are joined, not parsed."""
    return b"[" + b",".join(documents) + b"]"


def text_array(members: Sequence[str | int]) -> str:
    """An array of ids or numbers, as Postgres reads it."""
    return "{" + ",".join(map(str, members)) + "}"


def boolean(value: bool) -> str:
    """A boolean as Postgres writes it."""
    return "t" if value else "f"


def interval(duration: timedelta) -> str:
    """A duration, as Postgres reads it."""
    return f"{duration.total_seconds():f} s"
