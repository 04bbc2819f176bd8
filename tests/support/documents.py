"""Documents of asymm.baseline() in tests: an object of every kind, and ways to change a document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from psycopg.types.json import Jsonb

from support import database
from support.cluster import Cluster
from support.database import Database

Json = dict[str, Any]
HERE = Path(__file__).parent


def with_every_kind(server: Cluster, template: str) -> Database:
    """Return a database with an object of every kind, and what asks after one object of a document."""
    made = database.create(server, template)
    for name in ("rich.sql", "kinds.sql"):
        made.sql((HERE / name).read_text(encoding="utf-8"))
    made.sql("""
        CREATE FUNCTION public.fault(object jsonb) RETURNS text LANGUAGE plpgsql AS $$
        DECLARE
            d jsonb := asymm._baseline_document('{"database": false, "schemas": []}',
                                                jsonb_build_array(object));
        BEGIN
            RETURN COALESCE(asymm._document_fault(d), asymm._document_name_fault(d),
                            asymm._document_role_fault(d), asymm._document_text_fault(d),
                            asymm._document_type_fault(d));
        END $$""")
    made.sql("""
        CREATE FUNCTION public.printed(o jsonb, was jsonb) RETURNS SETOF text LANGUAGE sql AS $$
            SELECT p.forward
              FROM (VALUES (NULL::jsonb, NULL::oid), (was -> 'facts', asymm._object_oid(
                       o ->> 'kind', o ->> 'schema', o ->> 'name'))) AS v (actual, oid)
             CROSS JOIN LATERAL asymm._plan_safely(
                   o ->> 'kind', o ->> 'schema', o ->> 'name', o -> 'facts', o -> 'layout',
                   v.actual, v.oid, '{}') AS p
             WHERE p.forward IS NOT NULL $$""")
    return made


def objects(db: Database) -> list[Json]:
    """Return every object of a database as its document has it."""
    found: list[Json] = db.value("SELECT asymm.present_state()")["objects"]
    return found


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every text and of every name in a document (a name: its path and then None)."""
    if isinstance(value, str):
        yield path
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, member in members:
        if isinstance(key, str):
            yield (*path, key, None)
        yield from places(member, (*path, key))


def changed(value: Json, path: tuple[Any, ...], text: Any) -> Json:
    """Return a copy with another value, or another name, at a path."""
    copy: Json = json.loads(json.dumps(value))
    holder: Any = copy
    naming = path[-1] is None
    *way, last = path[:-1] if naming else path
    for step in way:
        holder = holder[step]
    if naming:
        holder[text] = holder.pop(last)
    else:
        holder[last] = text
    return copy


def signed(db: Database, document: Json) -> Jsonb:
    """Return a document with the fingerprint its content has."""
    return Jsonb(
        document
        | db.value(
            "SELECT jsonb_build_object('fingerprint', asymm._baseline_document(%s, %s) -> 'fingerprint')",
            Jsonb(document["scope"]),
            Jsonb(document["objects"]),
        )
    )
