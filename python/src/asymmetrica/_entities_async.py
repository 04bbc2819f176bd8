"""The entity store: JSON documents by id."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import timedelta
from itertools import islice
from typing import Any

from . import _sql_entity as _sql
from ._reads_async import AsyncReads
from .errors import AsymmetricaError, ConnectionFailed, InvalidArgument
from .reads.result import Row
from .reads.touched import current
from .rows import Annotation, CreatedEntity, DeletedEntity, Entity, EntitySettings, EntityVersion

__all__ = ["AsyncEntities"]

TABLE = "asymm.data_entity"
COLUMNS = frozenset(field.name for field in fields(Entity)) - {"route", "age"}
# What Postgres says of text that is no JSON, or of a character it doesn't have.
_NOT_JSON = ("22P02", "22P05")


class AsyncEntities(AsyncReads):
    """Entities; writing needs the role asymm_writer, reading that one or SELECT on asymm.data_entity."""

    _records = False
    _asked = -math.inf

    async def create_entity(
        self,
        id: str,
        value: Any,
        *,
        annotations: Annotation | Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Entity:
        """Make an entity of a JSON value; with a key that was used for the same call, return what that made.

        Raises `AlreadyExists`, `KeyReused`, `InvalidArgument`, `NullArgument`, `NotAllowed`.
        """
        values = {
            "id": id,
            "value": document(value),
            "annotations": None if annotations is None else document(plain(annotations)),
            "idempotency_key": idempotency_key,
        }
        return (await self._entities(_sql.CREATE_ENTITY, values, [{"id": id, "value": value}]))[0]

    async def create_entities(
        self, entities: Iterable[Mapping[str, Any]], *, batch: int = 1000
    ) -> list[CreatedEntity]:
        """Make many: mappings with `id` and `value`, perhaps `annotations` and `idempotency_key`.

        Each `batch` (10,000 at most) is one statement: all of it or nothing, and committed before the next
        unless you are in a transaction. With keys the call can be repeated as a whole.

        Raises `AlreadyExists`, `KeyReused`, `InvalidArgument`, `NullArgument`, `NotAllowed`.
        """
        made: list[CreatedEntity] = []
        for items in batches(entities, batch):
            sent = {"entities": document(items)}
            try:
                made += await self._session.rows(CreatedEntity, _sql.CREATE_ENTITIES, sent)
            except AsymmetricaError as error:
                raise named(error, items) from error.__cause__
        return made

    async def get_entity(
        self,
        id: str,
        *,
        max_staleness: float | timedelta = 1.0,
        after: str | int | None = None,
        budget: float | None = None,
    ) -> Entity | None:
        """Return an entity from the cheapest place that is fresh enough, as `get` does; None: there is none.

        Copies are there once `asymm.data_entity` is mirrored. While reads are recorded (`audit_reads`) the
        primary is asked, as of a second after that was set. Raises `NotAllowed`.
        """
        reader = self._reader
        alone = reader.link is None and reader.replicas is None and current() is None
        if alone or await self._recorded():
            # There is one place only, and nobody to tell where it was read.
            found = await self._session.rows(Entity, _sql.GET_ENTITY, {"id": id})
            return found[0] if found else None
        row = await self.get(TABLE, id, max_staleness=max_staleness, after=after, budget=budget)
        return None if row is None else await self._entity(id, row)

    async def get_entities(
        self,
        ids: Sequence[str],
        *,
        max_staleness: float | timedelta = 1.0,
        after: str | int | None = None,
        budget: float | None = None,
    ) -> list[Entity | None]:
        """Return the entities with these ids, in their order; None where there is none."""
        if await self._recorded():
            made = await self._session.rows(Entity, _sql.GET_ENTITIES, {"ids": list(ids)})
            found = {entity.id: entity for entity in made}
            return [found.get(id) for id in ids]
        rows = await self.get_many(TABLE, ids, max_staleness=max_staleness, after=after, budget=budget)
        return [
            None if row is None else await self._entity(id, row) for id, row in zip(ids, rows, strict=True)
        ]

    async def update_entity(
        self,
        id: str,
        value: Any,
        *,
        version: int,
        annotations: Annotation | Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Entity:
        """Give an entity another value if it is at this version; None leaves its annotations.

        Raises `VersionConflict` (somebody was faster: read, decide, try again), `KeyReused`,
        `UnknownObject`, `InvalidArgument`, `NullArgument`, `NotAllowed`.
        """
        values = {
            "id": id,
            "value": document(value),
            "version": version,
            "annotations": None if annotations is None else document(plain(annotations)),
            "idempotency_key": idempotency_key,
        }
        return (await self._entities(_sql.UPDATE_ENTITY, values, [{"id": id, "value": value}]))[0]

    async def delete_entity(
        self, id: str, *, version: int, idempotency_key: str | None = None
    ) -> DeletedEntity:
        """Delete an entity if it is at this version; its history stays for the retention.

        Raises `VersionConflict`, `KeyReused`, `UnknownObject`, `InvalidArgument`, `NotAllowed`.
        """
        values = {"id": id, "version": version, "idempotency_key": idempotency_key}
        return (await self._session.rows(DeletedEntity, _sql.DELETE_ENTITY, values))[0]

    async def query_entities(
        self,
        *,
        path: str | None = None,
        contains: Any = None,
        annotation: Annotation | Mapping[str, Any] | None = None,
        after: str | None = None,
        most: int = 100,
    ) -> list[Entity]:
        """Return the entities that meet all that is given, in the order of ids, those after an id.

        `path`: a JSON path, a condition (`$.n > 3`) or one that finds something (`$.tags[*] ? (@ == "x")`);
        `contains`: a part of the value; `annotation`: a part of the annotations (`{"λ": ["sync"]}`).
        Raises `InvalidArgument`, `NotAllowed`.
        """
        values = {
            "path": path,
            "contains": None if contains is None else document(contains),
            "annotation": None if annotation is None else document(plain(annotation)),
            "after": after,
            "most": most,
        }
        return await self._entities(_sql.QUERY_ENTITIES, values, [])

    async def entity_history(self, id: str) -> list[EntityVersion]:
        """Return the versions of an entity that are kept, the oldest first. Raises `NotAllowed`."""
        return await self._session.rows(EntityVersion, _sql.ENTITY_HISTORY, {"id": id})

    async def entity_settings(self) -> EntitySettings:
        """Return the settings of the entity store in force (view asymm.entity_settings)."""
        return (await self._session.rows(EntitySettings, _sql.ENTITY_SETTINGS))[0]

    async def configure_entities(
        self,
        *,
        retention: timedelta | None = None,
        idempotency_window: timedelta | None = None,
        max_value_bytes: int | None = None,
        audit_reads: bool | None = None,
    ) -> EntitySettings:
        """Change settings and return those in force; None leaves one as it is. Raises `InvalidArgument`."""
        values = {name: value for name, value in locals().items() if name != "self"}
        return (await self._session.rows(EntitySettings, _sql.CONFIGURE_ENTITIES, values))[0]

    async def _recorded(self) -> bool:
        """Whether reads are recorded, which is asked again after a second: then only functions read."""
        now = time.monotonic()
        if now - self._asked >= 1.0:
            try:
                self._records = bool(await self._session.value(_sql.RECORDS_READS))
            except ConnectionFailed:
                # Copies answer without Postgres too, as far as they can prove how old they are.
                if self._asked < 0:
                    raise
            self._asked = now
        seen = current()
        if self._records and seen is not None:
            seen.refuse("reads of entities are recorded")
        return self._records

    async def _entities(
        self, sql: Any, values: Mapping[str, Any], items: Sequence[Mapping[str, Any]]
    ) -> list[Entity]:
        try:
            return await self._session.rows(Entity, sql, values)
        except AsymmetricaError as error:
            raise named(error, items) from error.__cause__

    async def _entity(self, id: str, row: Row) -> Entity:
        if row.keys() != COLUMNS:
            # It is mirrored with some of its columns only.
            return (await self._session.rows(Entity, _sql.GET_ENTITY, {"id": id}))[0]
        return Entity(**row, route=row.route, age=row.age)


def plain(annotation: Annotation | Mapping[str, Any]) -> Any:
    """Return an annotation, or a part of one, as it is in JSON."""
    return annotation.to_json() if isinstance(annotation, Annotation) else dict(annotation)


def document(value: Any) -> str:
    """Return a value as JSON. Raises InvalidArgument, which doesn't show it."""
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgument("a value can't be JSON", detail=str(error)) from None


def batches(entities: Iterable[Mapping[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    """Cut a list into pieces that are sent by themselves."""
    if not 1 <= size <= 10_000:
        raise InvalidArgument(f"batch {size} is not 1 to 10,000")
    left = iter(entities)
    while items := [dict(item) for item in islice(left, size)]:
        # As a rule it is the same for all.
        said: Any = None
        made: Any = None
        for item in items:
            given = item.get("annotations")
            if given is not None:
                if given is not said:
                    said, made = given, plain(given)
                item["annotations"] = made
        yield items


def named(error: AsymmetricaError, items: Sequence[Mapping[str, Any]]) -> AsymmetricaError:
    """Say which entity Postgres can't keep, without showing what is in it."""
    if error.sqlstate not in _NOT_JSON:
        return error
    for item in items:
        text = json.dumps(item.get("value"), ensure_ascii=False)
        try:
            text.encode()
        except UnicodeEncodeError:
            pass
        else:
            if "\\u0000" not in text:
                continue
        return InvalidArgument(
            f"the value of entity {item.get('id')!r} can't be kept",
            sqlstate=error.sqlstate,
            detail="It holds a NUL or half of a surrogate pair, which are no characters to Postgres.",
        )
    return error
