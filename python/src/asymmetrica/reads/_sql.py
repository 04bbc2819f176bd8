"""What the read path asks Postgres. All names are qualified: sessions have any search path."""

from __future__ import annotations

from typing import Final

# Settings on which the meaning of a query, or the text of its result, can depend.
SETTINGS: Final = (
    "search_path", "TimeZone", "timezone_abbreviations", "DateStyle", "IntervalStyle", "bytea_output",
    "extra_float_digits", "lc_monetary", "lc_numeric", "lc_time", "lc_messages", "row_security", "role",
    "session_authorization", "is_superuser", "client_encoding", "standard_conforming_strings",
    "backslash_quote", "array_nulls", "default_text_search_config", "xmlbinary", "xmloption",
    "transform_null_equals", "quote_all_identifiers", "gin_fuzzy_search_limit", "operator_precedence_warning",
    "default_transaction_isolation", "lo_compat_privileges", "escape_string_warning",
)  # fmt: skip
# Whether a name without a schema may mean something temporary first: only this session has it, no event
# tells of it. Not so where pg_temp is named last, since what was found before still is. Having been so once
# doesn't say that something temporary is there still: then it is asked.
_PATH: Final = "pg_catalog.current_schemas(true)"
_MAYBE: Final = f"""CASE WHEN pg_catalog.pg_my_temp_schema() OPERATOR(pg_catalog.=) 0::pg_catalog.oid
    THEN false ELSE ({_PATH})[pg_catalog.cardinality({_PATH})]::pg_catalog.text OPERATOR(pg_catalog.<>)
        pg_catalog.pg_my_temp_schema()::pg_catalog.regnamespace::pg_catalog.text END"""
TEMPORARY: Final = """SELECT 'first'::pg_catalog.text FROM pg_catalog.pg_depend AS d
    WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
      AND d.refobjid OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema() LIMIT 1"""
_SETTINGS: Final = ", ".join(f"pg_catalog.current_setting('{name}', true)" for name in SETTINGS)

_END: Final = """CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
    ELSE pg_catalog.pg_current_wal_insert_lsn() END OPERATOR(pg_catalog.-) '0/0'::pg_catalog.pg_lsn"""
END: Final = f"SELECT ({_END})::pg_catalog.int8"
AFTER: Final = f"SELECT ({_END})::pg_catalog.int8, ARRAY[{_SETTINGS}], {_MAYBE}"
WHO: Final = f"""SELECT ({_END})::pg_catalog.int8, ARRAY[{_SETTINGS}], {_MAYBE},
    pg_catalog.pg_is_in_recovery(),
    (SELECT c.system_identifier FROM pg_catalog.pg_control_system() AS c)::pg_catalog.text,
    (SELECT d.oid::pg_catalog.int8 FROM pg_catalog.pg_database AS d
      WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()),
    ARRAY(SELECT r.oid::pg_catalog.int8 FROM pg_catalog.pg_roles AS r
           WHERE pg_catalog.pg_has_role(r.oid, 'USAGE') ORDER BY 1),
    (SELECT r.oid::pg_catalog.int8 FROM pg_catalog.pg_roles AS r
      WHERE r.rolname OPERATOR(pg_catalog.=) current_user)"""

# On the primary: where its log ends, and the timeline it is on.
LOG: Final = f"""SELECT ({_END})::pg_catalog.int8, CASE WHEN pg_catalog.pg_is_in_recovery() THEN NULL ELSE
    pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 8) END"""
# On a replica: what it has replayed, whether it still does, which transactions it may show by now, and how
# isolated this one is.
REPLAYED: Final = f"""SELECT ({_END})::pg_catalog.int8, pg_catalog.pg_is_in_recovery(),
    pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::pg_catalog.text,
    pg_catalog.current_setting('transaction_isolation')"""
# The control file is behind what was replayed, never ahead.
TIMELINE: Final = """SELECT pg_catalog.lpad(pg_catalog.upper(pg_catalog.to_hex(
        GREATEST(c.timeline_id, r.min_recovery_end_timeline))), 8, '0')
    FROM pg_catalog.pg_control_checkpoint() AS c, pg_catalog.pg_control_recovery() AS r"""
# On the primary: whether a transaction from %(next)s on is over elsewhere only, and those before that run.
RUNNING: Final = """SELECT pg_catalog.pg_snapshot_xmax(s.s) OPERATOR(pg_catalog.<) %(next)s::pg_catalog.xid8,
    ARRAY(SELECT x.x::pg_catalog.text FROM pg_catalog.pg_snapshot_xip(s.s) AS x (x)
           WHERE x.x OPERATOR(pg_catalog.<) %(next)s::pg_catalog.xid8)
    FROM pg_catalog.pg_current_snapshot() AS s (s)"""
COMMITTED: Final = """SELECT EXISTS (SELECT FROM pg_catalog.unnest(%(running)s::pg_catalog.text[]) AS x (x)
    WHERE pg_catalog.pg_xact_status(x.x::pg_catalog.xid8) OPERATOR(pg_catalog.=) 'committed')"""

MIRRORED: Final = """SELECT s.id, s.format, s.key_columns::pg_catalog.text[], s.columns::pg_catalog.text[]
    FROM asymm.mirror_status() AS s
    WHERE s.object OPERATOR(pg_catalog.=) (SELECT pg_catalog.format('%%I.%%I', n.nspname, c.relname)
        FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
        WHERE c.oid OPERATOR(pg_catalog.=) %(table)s::pg_catalog.text::pg_catalog.regclass)"""

PRIMARY_KEY: Final = """SELECT ARRAY(SELECT a.attname::pg_catalog.text
        FROM pg_catalog.unnest(x.indkey) WITH ORDINALITY AS k (number, place)
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid OPERATOR(pg_catalog.=) x.indrelid
             AND a.attnum OPERATOR(pg_catalog.=) k.number
        WHERE k.place OPERATOR(pg_catalog.<=) x.indnkeyatts ORDER BY k.place)
    FROM pg_catalog.pg_index AS x
    WHERE x.indisprimary
      AND x.indrelid OPERATOR(pg_catalog.=) %(table)s::pg_catalog.text::pg_catalog.regclass"""

# A domain's values are sent as those of the type it is made of.
COLUMNS: Final = """WITH RECURSIVE made (name, place, oid, kind, base, collated) AS (
        SELECT a.attname, a.attnum, t.oid, t.typtype, t.typbasetype, a.attcollation
          FROM pg_catalog.pg_attribute AS a
          JOIN pg_catalog.pg_type AS t ON t.oid OPERATOR(pg_catalog.=) a.atttypid
         WHERE a.attrelid OPERATOR(pg_catalog.=) %(table)s::pg_catalog.text::pg_catalog.regclass
           AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped
        UNION ALL
        SELECT m.name, m.place, t.oid, t.typtype, t.typbasetype, m.collated
          FROM made AS m JOIN pg_catalog.pg_type AS t ON t.oid OPERATOR(pg_catalog.=) m.base
         WHERE m.kind OPERATOR(pg_catalog.=) 'd')
    SELECT m.name::pg_catalog.text, m.oid::pg_catalog.int8, m.kind OPERATOR(pg_catalog.=) 'e',
           COALESCE((SELECT l.collisdeterministic FROM pg_catalog.pg_collation AS l
                      WHERE l.oid OPERATOR(pg_catalog.=) m.collated), true)
      FROM made AS m WHERE m.kind OPERATOR(pg_catalog.<>) 'd' ORDER BY m.place"""

RIGHTS: Final = """SELECT n.nspname::pg_catalog.text, c.relname::pg_catalog.text, c.oid::pg_catalog.int8,
        pg_catalog.has_schema_privilege(n.oid, 'USAGE')
    AND (pg_catalog.has_table_privilege(c.oid, 'SELECT') OR NOT EXISTS (
            SELECT FROM pg_catalog.unnest(%(columns)s::pg_catalog.text[]) AS k (name)
             WHERE pg_catalog.has_column_privilege(c.oid, k.name, 'SELECT') IS NOT TRUE))
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
    WHERE c.oid OPERATOR(pg_catalog.=) %(table)s::pg_catalog.text::pg_catalog.regclass"""

DEPENDENCIES: Final = """SELECT d.cacheable, d.reason, d.clock_parameters, pg_catalog.cardinality(d.mirrors),
    ARRAY(SELECT ARRAY[n.nspname::pg_catalog.text, c.relname::pg_catalog.text]
          FROM asymm.mirror_status() AS s
          JOIN pg_catalog.pg_namespace AS n ON true
          JOIN pg_catalog.pg_class AS c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
               AND pg_catalog.format('%%I.%%I', n.nspname, c.relname) OPERATOR(pg_catalog.=) s.object
         WHERE s.id OPERATOR(pg_catalog.=) ANY (d.mirrors)),
    d.cacheable OR COALESCE(pg_catalog.starts_with(d.remedy, 'SELECT * FROM asymm.mirror'), false)
    FROM asymm.query_dependencies(%(query)s, %(types)s::pg_catalog.oid[]) AS d"""
# No standby is waited for.
LATER: Final = "SET LOCAL synchronous_commit = off"
COUNT: Final = "SELECT asymm._count_reads(%(batch)s::pg_catalog.jsonb)"
