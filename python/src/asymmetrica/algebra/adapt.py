"""Values of type asymm.annotation and asymm.cost from and to the database, on connections of psycopg."""

from __future__ import annotations

from typing import Any

from psycopg import AsyncConnection, Connection
from psycopg.adapt import Dumper
from psycopg.types.composite import CompositeInfo, register_composite
from psycopg.types.enum import EnumInfo, register_enum

from ..errors import NotInstalled
from .annotation import Annotation
from .cost import Cost

_COMPOSITE, _ENUM = "asymm.annotation", "asymm.cost"


def register(connection: Connection[Any]) -> None:
    """Make this connection return `Annotation` and `Cost` for their SQL types, and take them as parameters.

    A context comes as a list of annotations: `Context(*value)`. Raises `NotInstalled`.
    """
    _register(CompositeInfo.fetch(connection, _COMPOSITE), EnumInfo.fetch(connection, _ENUM), connection)


async def register_async(connection: AsyncConnection[Any]) -> None:
    """Do what `register` does on an asynchronous connection."""
    composite = await CompositeInfo.fetch(connection, _COMPOSITE)
    _register(composite, await EnumInfo.fetch(connection, _ENUM), connection)


def _register(
    composite: CompositeInfo | None, enum: EnumInfo | None, connection: Connection[Any] | AsyncConnection[Any]
) -> None:
    if composite is None or enum is None:
        raise NotInstalled(
            "the extension asymmetrica is not installed in this database, or is older than this driver",
            hint="CREATE EXTENSION asymmetrica, or ALTER EXTENSION asymmetrica UPDATE (asymmetrica init)",
        )
    register_enum(enum, connection, Cost, mapping={cost: cost.value for cost in Cost})
    register_composite(composite, connection, factory=_made)
    dumper = type("AnnotationDumper", (_AnnotationDumper,), {"oid": composite.oid})
    connection.adapters.register_dumper(Annotation, dumper)


def _made(*values: Any) -> Annotation | None:
    # A row of nothing but NULLs is no annotation.
    return None if all(value is None for value in values) else Annotation(*values)


class _AnnotationDumper(Dumper):
    """Writes a row as SQL does; psycopg's own takes sequences only."""

    def dump(self, obj: Annotation) -> bytes:
        lineage = "{" + ",".join(_quoted(entry) for entry in obj.lineage) + "}"
        fields = (obj.symbol, obj.scope, obj.regime, obj.cost.value, lineage, repr(obj.weight))
        encoding = self.connection.info.encoding if self.connection else "utf-8"
        return f"({','.join(_quoted(field) for field in fields)})".encode(encoding)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
