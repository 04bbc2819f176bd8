"""Finds the converter of a type in the catalogs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from psycopg import Connection

from .values import Converter, array, boolean, composite, number, string, timestamp, timestamptz

__all__ = ["Types"]

_BUILT_IN: Final[dict[str, Converter]] = {
    "bool": boolean,
    "int2": None,
    "int4": None,
    "int8": None,
    "numeric": number,
    "float4": number,
    "float8": number,
    "json": None,
    "jsonb": None,
    "timestamp": timestamp,
    "timestamptz": timestamptz,
}
_TYPES: Final = """
    SELECT t.oid, CASE WHEN t.typnamespace = 'pg_catalog'::regnamespace THEN t.typname::text END AS name,
        t.typtype::text AS kind, t.typbasetype AS base,
        CASE WHEN o.typarray = t.oid THEN t.typelem ELSE 0 END AS element,
        coalesce(o.typdelim::text, ',') AS delimiter,
        f.names, f.types
    FROM pg_type t LEFT JOIN pg_type o ON o.oid = t.typelem
    LEFT JOIN LATERAL (
        SELECT array_agg(a.attname::text ORDER BY a.attnum) AS names,
            array_agg(a.atttypid ORDER BY a.attnum) AS types
        FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
    ) AS f ON t.typtype = 'c'
    WHERE t.oid = ANY (%s::oid[])"""


class Types:
    """Converters by the type's number, looked up once; forget() after DDL."""

    def __init__(self, connection: Connection[Any]) -> None:
        self.connection = connection
        self._rows: dict[int, tuple[Any, ...]] = {}
        self._made: dict[int, Converter] = {}

    def forget(self) -> None:
        """Look everything up again: types changed."""
        self._rows.clear()
        self._made.clear()

    def converters(self, types: Iterable[int]) -> list[Converter]:
        """Return one converter per type."""
        wanted = list(types)
        self._load(set(wanted))
        return [self._converter(oid) for oid in wanted]

    def _load(self, wanted: set[int]) -> None:
        missing = wanted - self._rows.keys()
        while missing:
            rows = self.connection.execute(_TYPES, [sorted(missing)]).fetchall()
            self._rows |= dict.fromkeys(missing, ()) | {row[0]: row for row in rows}
            needed: set[int] = set()
            for _, _, _, base, element, _, _, types in rows:
                needed |= {base, element, *(types or ())} - {0}
            missing = needed - self._rows.keys()

    def _converter(self, oid: int) -> Converter:
        if oid not in self._made:
            self._made[oid] = self._make(oid)
        return self._made[oid]

    def _make(self, oid: int) -> Converter:
        row = self._rows.get(oid)
        if not row:  # gone meanwhile: what came with it is rebuilt
            return string
        _, name, kind, base, element, delimiter, fields, types = row
        if kind == "d":
            return self._converter(base)
        if element:
            return array(self._converter(element), delimiter)
        if kind == "c":
            # An attribute of a row type may be an array of the type itself.
            self._made[oid] = lambda text: made(text)
            made = composite(
                [
                    (field, self._converter(type_))
                    for field, type_ in zip(fields or (), types or (), strict=True)
                ]
            )
            return made
        return _BUILT_IN.get(name, string) if name else string
