"""Every statement of the entity store."""

from __future__ import annotations

from typing import Final

_ENTITY: Final = """id, value, annotations, version, content_hash, created_at,
    created_by::pg_catalog.text, changed_at, changed_by::pg_catalog.text"""
CREATE_ENTITY: Final = f"""SELECT {_ENTITY} FROM asymm.create_entity(
    id => %(id)s, value => %(value)s::pg_catalog.jsonb,
    annotations => %(annotations)s::pg_catalog.jsonb::asymm.annotation,
    idempotency_key => %(idempotency_key)s) AS f"""
CREATE_ENTITIES: Final = """SELECT id, version, created
    FROM asymm.create_entities(entities => %(entities)s::pg_catalog.jsonb) AS f"""
GET_ENTITY: Final = f"SELECT {_ENTITY} FROM asymm.get_entity(id => %(id)s) AS f"
GET_ENTITIES: Final = f"""SELECT {_ENTITY} FROM pg_catalog.unnest(%(ids)s::pg_catalog.text[]) AS i (i)
    CROSS JOIN LATERAL asymm.get_entity(id => i.i) AS f"""
RECORDS_READS: Final = "SELECT asymm._records_reads()"
UPDATE_ENTITY: Final = f"""SELECT {_ENTITY} FROM asymm.update_entity(
    id => %(id)s, value => %(value)s::pg_catalog.jsonb, version => %(version)s,
    annotations => %(annotations)s::pg_catalog.jsonb::asymm.annotation,
    idempotency_key => %(idempotency_key)s) AS f"""
DELETE_ENTITY: Final = """SELECT deleted AS id, tombstone AS version, deleted_at
    FROM asymm.delete_entity(id => %(id)s, version => %(version)s, idempotency_key => %(idempotency_key)s)"""
QUERY_ENTITIES: Final = f"""SELECT {_ENTITY} FROM asymm.query_entities(
    path => %(path)s::pg_catalog.jsonpath, contains => %(contains)s::pg_catalog.jsonb,
    annotation => %(annotation)s::pg_catalog.jsonb, after => %(after)s, most => %(most)s) AS f"""
ENTITY_HISTORY: Final = """SELECT version, value, annotations, content_hash, changed_at, changed_by, until,
    deleted FROM asymm.entity_history(id => %(id)s)"""
_ENTITY_SETTINGS: Final = "retention, idempotency_window, max_value_bytes, audit_reads"
ENTITY_SETTINGS: Final = f"SELECT {_ENTITY_SETTINGS} FROM asymm.entity_settings"
CONFIGURE_ENTITIES: Final = f"""SELECT {_ENTITY_SETTINGS} FROM asymm.configure_entities(
    retention => %(retention)s, idempotency_window => %(idempotency_window)s,
    max_value_bytes => %(max_value_bytes)s, audit_reads => %(audit_reads)s)"""
