"""Every statement of the mirror's worker; its sessions have the search path pg_catalog, pg_temp."""

from typing import Final

# Held by the worker's session: who waits for it stands by.
LOCK: Final = "SELECT pg_try_advisory_lock(1634957677, 600)"
LEAD: Final = "SELECT slot, publication, applied_lsn::text, states_token FROM asymm._mirror_lead(%s)"
FLUSHED: Final = "SELECT pg_current_wal_flush_lsn()::text"
# Where the next record goes, read before or with the snapshot of the same statement.
MOMENT: Final = "SELECT (pg_current_wal_insert_lsn() - '0/0')::text, pg_current_snapshot()::text"
STARTED: Final = """SELECT current_setting('wal_block_size')::int, pg_current_snapshot()::text,
        pg_current_xact_id()::text::bigint"""
PUBLISHED: Final = "SELECT EXISTS (SELECT FROM pg_publication WHERE pubname = %s)"
SLOT: Final = """SELECT confirmed_flush_lsn::text,
        coalesce(wal_status = 'lost', true) OR plugin <> 'pgoutput' OR database <> current_database(), active
    FROM pg_replication_slots WHERE slot_name = %s"""
DROP_SLOT: Final = "SELECT pg_drop_replication_slot(%s)"
REGISTRY: Final = """SELECT r.id, r.relid, r.schema_name, r.table_name, r.key_columns::text[],
        r.columns::text[], r.types::oid[], r.format, r.ttl_seconds, r.epoch, r.error, c.relkind::text,
        r.states::text[],
        CASE WHEN c.reltuples > 0 THEN c.reltuples::bigint END
    FROM asymm._mirror_registry() AS r JOIN pg_class AS c ON c.oid = r.relid"""
MARK: Final = "SELECT pg_logical_emit_message(true, 'asymm', %s)::text"
REPORT: Final = "SELECT asymm._mirror_report(%s::jsonb)"
ASTIR: Final = "SELECT ARRAY(SELECT asymm._mirror_partitions_astir())"
