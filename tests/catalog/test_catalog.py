"""The extension's members as the catalogs show them: ownership, privileges, comments, dump, checks."""

from __future__ import annotations

from pathlib import Path

from support import catalog
from support.database import Database

HERE = Path(__file__).parent


def listed(name: str) -> list[str]:
    """Return the lines of a list next to this file without comments."""
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return sorted(line.partition("#")[0].strip() for line in lines if line.partition("#")[0].strip())


def test_every_member_keeps_the_rules(db: Database) -> None:
    assert catalog.problems(db) == []


def test_search_path_is_pinned(db: Database) -> None:
    free = db.sql("""
        SELECT 'asymm.' || proname FROM pg_proc WHERE pronamespace = 'asymm'::regnamespace AND prokind <> 'a'
           AND NOT COALESCE(proconfig, '{}') @> ARRAY['search_path=pg_catalog, pg_temp'] ORDER BY 1""")
    assert [row[0] for row in free] == [line.split()[0] for line in listed("without_search_path.txt")]


def test_security_definer_functions_are_those_listed(db: Database) -> None:
    found = db.sql(
        "SELECT DISTINCT proname::text FROM pg_proc WHERE pronamespace = 'asymm'::regnamespace AND prosecdef"
    )
    assert sorted(row[0] for row in found) == listed("security_definer.txt")


def test_each_role_may_run_and_read_what_is_listed(db: Database) -> None:
    found = db.sql("""
        SELECT DISTINCT substr(a.grantee::regrole::text, 7) || ' ' || p.proname FROM pg_proc p,
            aclexplode(p.proacl) AS a
         WHERE p.pronamespace = 'asymm'::regnamespace AND a.grantee <> p.proowner
        UNION
        SELECT substr(a.grantee::regrole::text, 7) || ' ' || c.relname FROM pg_class c, aclexplode(c.relacl)
            AS a
         WHERE c.relnamespace = 'asymm'::regnamespace AND a.grantee <> c.relowner""")
    assert sorted(row[0] for row in found) == sorted(listed("granted.txt") + listed("granted_pulse.txt"))


def test_declarations_and_their_sequences_are_dumped_and_nothing_else(db: Database) -> None:
    dumped = db.value("""
        SELECT array_agg(t::regclass::text ORDER BY t::regclass::text COLLATE "C")
          FROM pg_extension e, unnest(e.extconfig) AS t WHERE e.extname = 'asymmetrica'""")
    assert dumped == [
        "asymm.alert_destination",
        "asymm.alert_rule",
        "asymm.annotation_setting",
        "asymm.audit_entry",
        "asymm.audit_entry_id_seq",
        "asymm.audit_head",
        "asymm.audit_seal",
        "asymm.baseline",
        "asymm.baseline_id_seq",
        "asymm.data_entity",
        "asymm.data_entity_history",
        "asymm.data_entity_request",
        "asymm.data_entity_version_seq",
        "asymm.declared_flow",
        "asymm.duplicate_watch",
        "asymm.duplicate_watch_id_seq",
        "asymm.encore_setting",
        "asymm.entity_setting",
        "asymm.erasure",
        "asymm.erasure_id_seq",
        "asymm.expectation",
        "asymm.expectation_id_seq",
        "asymm.graph_setting",
        "asymm.index_setting",
        "asymm.masked_view",
        "asymm.mirror_epoch_seq",
        "asymm.mirror_table",
        "asymm.mirror_table_id_seq",
        "asymm.node_annotation",
        "asymm.node_annotation_id_seq",
        "asymm.organ_setting",
        "asymm.policy_rule",
        "asymm.policy_rule_id_seq",
        "asymm.protected_column",
        "asymm.protected_column_id_seq",
        "asymm.quarantine",
        "asymm.quarantine_id_seq",
        "asymm.setting",
        "asymm.sonar_setting",
        "asymm.state_table",
        "asymm.state_table_id_seq",
        "asymm.subject_place",
        "asymm.subject_place_id_seq",
        "asymm.watched_database",
        "asymm.watched_schema",
    ]
    # A row written by the script would collide with the restored one.
    full = [t for t in dumped if not t.endswith("_seq") and db.value(f"SELECT count(*) FROM {t}")]
    assert full == []


def test_plpgsql_check_finds_nothing(db: Database) -> None:
    db.sql("CREATE EXTENSION plpgsql_check")
    found = db.sql("""
        SELECT p.oid::regprocedure || ' line ' || COALESCE(c.lineno, 0) || ': ' || c.message || COALESCE(' '
            || c.detail, '')
          FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
          LEFT JOIN LATERAL (SELECT tgrelid, max(tgnewtable) AS new_rows, max(tgoldtable) AS old_rows
                               FROM pg_trigger WHERE tgfoid = p.oid GROUP BY 1) AS t ON true
         CROSS JOIN LATERAL plpgsql_check_function_tb(p.oid, COALESCE(t.tgrelid, 0), fatal_errors => false,
             extra_warnings => false, newtable => t.new_rows, oldtable => t.old_rows) AS c
         WHERE p.pronamespace = 'asymm'::regnamespace
           -- pg_cron's tables are absent here and read by dynamic SQL.
           AND NOT (c.sqlstate IN ('42P01', '3F000') AND c.message ~ 'cron' OR c.message ~
               'unused variable "v_job"')
           -- The loop and the probe for a transaction COMMIT, which the checker's own subtransaction forbids.
           AND NOT (c.sqlstate = '2D000' AND p.proname IN ('pulse', '_atomic_message'))
           -- It folds calls that raise for a constant NULL, and takes '{}' for text that is cast.
           AND NOT (c.sqlstate = '22004' AND c.level = 'error')
           AND NOT (c.sqlstate = '42804' AND c.detail LIKE 'cast "text" value to %')
           -- Newer ones tell of every concat(), by the server STABLE, and of sizes, by it VOLATILE.
           AND c.message NOT LIKE 'routine is marked as %, but expression is %'""")
    assert [row[0] for row in found] == []


def test_no_view_is_worth_compiling(db: Database) -> None:
    """Of tables nobody analysed hundreds of rows are expected, by others thousands: 50 ms of JIT for one."""
    views = "SELECT 'asymm.' || viewname FROM pg_views WHERE schemaname = 'asymm'"
    costs = {
        view: db.value(f"EXPLAIN (FORMAT json) SELECT * FROM {view}")[0]["Plan"]["Total Cost"]
        for (view,) in db.sql(views)
    }
    limit = float(db.value("SELECT reset_val FROM pg_settings WHERE name = 'jit_above_cost'"))
    assert {view: cost for view, cost in costs.items() if cost > limit} == {}
    # It asks several of them at once.
    assert "jit=off" in db.value("SELECT proconfig FROM pg_proc WHERE proname = '_doctor_loops'")


def test_drop_extension_leaves_only_the_roles(empty_db: Database) -> None:
    inventory = """
        SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp_'
        UNION ALL SELECT 'event trigger ' || evtname FROM pg_event_trigger
        UNION ALL SELECT 'extension ' || extname FROM pg_extension
        UNION ALL SELECT 'cast ' || castsource::regtype || castfunc FROM pg_cast WHERE oid >= 16384
        UNION ALL SELECT 'function ' || oid FROM pg_proc WHERE oid >= 16384
        UNION ALL SELECT 'operator ' || oid FROM pg_operator WHERE oid >= 16384
        UNION ALL SELECT 'type ' || oid FROM pg_type WHERE oid >= 16384
        UNION ALL SELECT 'relation ' || oid FROM pg_class WHERE oid >= 16384
        UNION ALL SELECT 'default ' || oid FROM pg_default_acl"""
    before = sorted(empty_db.sql(inventory))
    empty_db.sql("CREATE EXTENSION asymmetrica")
    empty_db.sql("CREATE TABLE public.t (a int)")
    empty_db.sql("SELECT asymm.watch('public.t', 'guard')")
    empty_db.sql("DROP EXTENSION asymmetrica")
    empty_db.sql("DROP TABLE public.t")
    assert sorted(empty_db.sql(inventory)) == before
    roles = empty_db.value(
        "SELECT array_agg(rolname ORDER BY rolname) FROM pg_roles WHERE rolname LIKE 'asymm\\_%'"
    )
    assert roles == [
        f"asymm_{role}"
        for role in ("auditor", "operator", "owner", "pulse", "reader", "sender", "streamer", "writer")
    ]
    empty_db.sql("CREATE EXTENSION asymmetrica")
    assert catalog.problems(empty_db) == []


def test_a_squatter_makes_create_extension_fail(empty_db: Database) -> None:
    empty_db.sql("CREATE SCHEMA asymm")
    done = empty_db.psql("-c", "CREATE EXTENSION asymmetrica")
    assert 'schema "asymm" already exists' in done.stderr


def test_the_rules_notice_what_breaks_them(db: Database) -> None:
    db.sql(
        "CREATE FUNCTION asymm.careless() RETURNS int LANGUAGE sql STABLE"
        " AS 'SELECT asymm.pause(''x'') IS NULL; SELECT 1'"
    )
    db.sql("CREATE TABLE asymm.careless (a int)")
    db.sql("GRANT SELECT ON asymm.ddl_log TO asymm_reader")
    db.sql("ALTER EVENT TRIGGER asymm_ddl_end DISABLE")
    found = {problem.partition(":")[0] for problem in catalog.problems(db)}
    assert found == {
        "member of schema asymm that the extension does not own",
        "not owned by asymm_owner",
        "no comment",
        "PUBLIC may use it",
        "reader or operator may write it or read a table",
        "not ENABLE ALWAYS",
        "calls what is less stable or less parallel than it says",
    }
