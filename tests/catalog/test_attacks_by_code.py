"""Attacks by code, names and settings: of an owner, in a path, in a string, in a row that is hidden."""

from __future__ import annotations

import psycopg
import pytest

from support.database import Database
from support.scene import Scene, refused, rows


def test_fake_objects_are_never_reached(scene: Scene) -> None:
    """Functions, operators and tables of the catalogs' names, first in the caller's path (B5, B6)."""
    scene.db.sql(f'CREATE SCHEMA zz_catalog AUTHORIZATION "{scene.ann}"')
    ann = scene.as_ann
    rows(ann, "CREATE TABLE zz_catalog.reached (what text)")
    bait = (
        "CREATE FUNCTION zz_catalog.{name}({arguments}) RETURNS {result} LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO zz_catalog.reached VALUES ('{name}'); RETURN NULL; END $$"
    )
    for name, arguments, result in (
        ("format", "text, VARIADIC text[]", "text"),
        ("format", "text, text, text", "text"),
        ("count", "integer", "bigint"),
        ("current_setting", "text, boolean", "text"),
        ("pg_get_userbyid", "oid", "name"),
        ("fake_equals", "text, text", "boolean"),
        ("_process_ddl", "", "jsonb"),
        ("watch", "regclass, text", "text"),
        ("now", "", "timestamptz"),
        ("to_regclass", "text", "regclass"),
    ):
        rows(ann, bait.format(name=name, arguments=arguments, result=result))
    rows(
        ann,
        "CREATE OPERATOR zz_catalog.= (LEFTARG = text, RIGHTARG = text, FUNCTION = zz_catalog.fake_equals)",
    )
    for table in (
        "pg_class",
        "pg_roles",
        "pg_namespace",
        "settings",
        "setting",
        "baseline",
        "ddl_log",
        "member",
    ):
        rows(
            ann,
            f"CREATE TEMP TABLE {table} (oid oid, relname name, rolname name, rolsuper boolean DEFAULT true)",
        )
    rows(ann, f"INSERT INTO pg_temp.pg_roles VALUES (1, 'x', '{scene.ann}', true)")
    rows(ann, "SET search_path = zz_catalog, pg_temp, pg_catalog, public")
    assert rows(ann, "SELECT policy_in_force FROM asymm.watch('public.hers')") == [("propose",)]
    rows(ann, "ALTER TABLE public.hers ALTER note DROP DEFAULT")
    scene.db.sql("SELECT asymm._process_ddl()")
    assert rows(ann, "SELECT state FROM asymm.heal('public.hers')") == [("verified",)]
    assert rows(ann, "SELECT state FROM asymm.revert((SELECT max(id) FROM asymm.actions))") == [("reverted",)]
    assert len(rows(ann, "SELECT part FROM asymm.adopt('public.hers')")) == 1
    rows(ann, "SELECT * FROM asymm.drift")
    rows(ann, "SELECT asymm.fingerprint_database()")
    assert len(rows(ann, "SELECT object FROM asymm.unwatch('public.hers')")) == 1
    # The last check is the bait's own: it works when it is called.
    assert scene.db.value("SELECT count(*) FROM zz_catalog.reached") == 0
    rows(ann, "SELECT zz_catalog.now()")
    assert scene.db.value("SELECT count(*) FROM zz_catalog.reached") == 1


def test_a_new_owner_is_not_served_by_the_old_ones_plan(scene: Scene) -> None:
    action = scene.slip("heal")
    scene.db.sql(f'GRANT asymm_pulse TO "{scene.ann}"')
    assert scene.state(action) == "approved"
    scene.db.sql(f'ALTER TABLE public.hers OWNER TO "{scene.bob}"')
    assert rows(scene.as_ann, "SELECT asymm._claim_action()") == [(action,)]
    # Claimed by what the ledger knew; the table itself says otherwise, and nothing is run.
    result = rows(scene.as_ann, f"SELECT asymm._apply_action({action})")[0][0]
    assert result["state"] in ("expired", "failed")
    assert (
        scene.db.value(
            "SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'public.hers'::regclass"
        )
        is None
    )
    scene.db.sql("SELECT asymm._process_ddl()")
    assert rows(scene.as_ann, "SELECT asymm._claim_action()") == [(None,)]


def test_a_superuser_is_shown_what_will_run_with_his_rights(scene: Scene) -> None:
    rows(
        scene.as_ann,
        "CREATE FUNCTION public.hers_code() RETURNS text LANGUAGE sql VOLATILE"
        " AS $$ SELECT current_user::text $$",
    )
    rows(scene.as_ann, "ALTER TABLE public.hers ALTER note SET DEFAULT public.hers_code()")
    rows(scene.as_ann, "SELECT asymm.watch('public.hers')")
    rows(scene.as_ann, "ALTER TABLE public.hers DROP COLUMN note")
    notices: list[str] = []
    scene.db.own.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
    scene.db.sql("SELECT asymm.heal('public.hers')")
    assert any("superuser" in notice and "hers_code" in notice for notice in notices)


SECRETS = (
    "CREATE USER MAPPING FOR CURRENT_USER SERVER there OPTIONS (user 'u', password 'hunter2')",
    "ALTER SERVER there OPTIONS (ADD host 'hunter2')",
    "CREATE TABLE public.s1 (); ALTER ROLE CURRENT_USER PASSWORD 'hunter2'",
    "CREATE TABLE public.s2 (); ALTER ROLE CURRENT_USER PASSWORD $$hunter2$$",
    "CREATE TABLE public.s3 (); ALTER ROLE CURRENT_USER ENCRYPTED PASSWORD/*x*/ E'hunter2'",
    "CREATE FOREIGN TABLE public.s4 (a int) SERVER there OPTIONS -- here\n (table_name 'hunter2')",
    "CREATE VIEW public.s5 AS SELECT 'host=x password=hunter2'::text AS dsn",
    "COMMENT ON SCHEMA public IS 'postgresql://u:hunter2@h/d'",
    "CREATE SUBSCRIPTION sub CONNECTION 'host=x password=hunter2' PUBLICATION p WITH (connect = false)",
)


def test_no_secret_is_kept(db: Database) -> None:
    db.sql("CREATE FOREIGN DATA WRAPPER nowhere")
    db.sql("CREATE SERVER there FOREIGN DATA WRAPPER nowhere")
    for statement in SECRETS:
        db.own.execute(statement.encode())
    assert db.value("SELECT count(*) FROM asymm.ddl WHERE command_tag LIKE 'CREATE%'") >= 6
    assert db.value("SELECT count(*) FROM asymm.ddl_log l WHERE l::text LIKE '%hunter2%'") == 0
    db.sql("CREATE TABLE public.password (id int, password text)")
    assert "password text" in db.value("SELECT statement FROM asymm.ddl_log ORDER BY id DESC LIMIT 1")
    db.sql("ALTER SUBSCRIPTION sub SET (slot_name = NONE)")
    db.sql("DROP SUBSCRIPTION sub")
    db.sql("ALTER ROLE CURRENT_USER PASSWORD NULL")


def test_a_guard_is_passed_by_migrators_and_a_superuser_with_intent_only(scene: Scene) -> None:
    db, ann = scene.db, scene.as_ann
    db.sql("SELECT asymm.configure(migrator_applications => '{deploy}')")
    rows(ann, "SELECT asymm.watch('public.hers', 'guard')")
    ddl = "ALTER TABLE public.hers ADD COLUMN x int"
    for setting in (
        "asymm.intent = 'mine'",
        "application_name = 'deploy'",
        "asymm.action = '1'",
        "asymm.action = 'x'",
        "search_path = pg_temp",
    ):
        rows(ann, f"SET {setting}")
        for command in (
            ddl,
            "DROP TABLE public.hers",
            "ALTER TABLE public.hers RENAME TO other",
            "CREATE INDEX ON public.hers (note)",
            "COMMENT ON COLUMN public.hers.note IS 'x'",
            f'GRANT SELECT ON public.hers TO "{scene.bob}"',
            f'GRANT SELECT (note) ON public.hers TO "{scene.bob}"',
            "ALTER INDEX public.hers_pkey RENAME TO other",
            "ALTER TABLE public.hers ENABLE ROW LEVEL SECURITY",
            "DO $$ BEGIN ALTER TABLE public.hers ADD COLUMN y int; END $$",
        ):
            refused(ann, command, "SY002")
        rows(ann, f"RESET {setting.split()[0]}")
    refused(db.own, ddl, "SY002")
    db.own.execute(b"SET session_replication_role = replica")
    refused(db.own, ddl, "SY002")
    db.own.execute(b"RESET session_replication_role")
    with pytest.raises(psycopg.Error) as caught:
        rows(ann, ddl)
    diag = caught.value.diag
    assert "guarded" in (diag.message_primary or "")
    assert scene.ann in (diag.message_detail or "")
    assert "migrator_roles" in (diag.message_hint or "")
    # Other tables are none of its business, nor is a rolled back try remembered.
    rows(ann, "CREATE TABLE public.free (a int)")
    rows(ann, f'GRANT SELECT ON public.free TO "{scene.bob}"')
    with db.own.transaction():
        db.own.execute(b"SET LOCAL asymm.intent = 'add x'")
        db.own.execute(ddl.encode())
    db.sql(f"SELECT asymm.configure(migrator_roles => ARRAY['{scene.ann}'])")
    rows(ann, "ALTER TABLE public.hers ADD COLUMN y int")
    db.sql("SELECT asymm._process_ddl()")
    assert db.sql("SELECT in_step FROM asymm.watched") == [(True,)]
    assert {"x", "y"} <= set(db.value("SELECT facts -> 'column' FROM asymm.baseline"))


def test_a_fake_schema_cron_is_not_pg_cron(scene: Scene) -> None:
    """Where pg_cron is absent anybody may make its schema; neither doctor nor organs look into it."""
    scene.db.sql(f'GRANT asymm_pulse TO "{scene.ann}"')
    scene.db.sql(f'CREATE SCHEMA cron AUTHORIZATION "{scene.bob}"')
    bob = scene.as_bob
    for statement in (
        "GRANT USAGE ON SCHEMA cron TO PUBLIC",
        "CREATE FUNCTION cron.trap() RETURNS bigint LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'trapped %', current_user USING ERRCODE = 'ZZ999'; END $$",
        "CREATE FUNCTION cron.trap_row() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RETURN CASE WHEN cron.trap() IS NULL THEN OLD END; END $$",
        "CREATE VIEW cron.job AS SELECT cron.trap() AS jobid, 'asymmetrica x' AS jobname, 'x' AS database,"
        " 'x' AS username, 'asymm.' AS command, true AS active",
        "CREATE TABLE cron.job_run_details (jobid bigint, runid bigint, username text, command text,"
        " status text, return_message text, end_time timestamptz)",
        "CREATE TRIGGER trap BEFORE DELETE ON cron.job_run_details"
        " FOR EACH ROW EXECUTE FUNCTION cron.trap_row()",
        f"INSERT INTO cron.job_run_details VALUES (1, 1, '{scene.ann}', 'asymm.', '', '', '2000-01-01')",
        "GRANT ALL ON ALL TABLES IN SCHEMA cron TO PUBLIC",
    ):
        rows(bob, statement)
    refused(scene.db.own, "SELECT * FROM cron.job", "ZZ999")
    assert rows(scene.as_ann, "SELECT asymm._housekeep()") == [(None,)]
    for connection in (scene.db.own, scene.as_ann, scene.db.connect(user=scene.reader)):
        assert len(rows(connection, "SELECT * FROM asymm.doctor()")) > 5
        refused(connection, "SELECT * FROM asymm.start('x')", "SY006", "SY003", "42501", "42704")


def test_rows_hidden_by_a_policy_are_rows(scene: Scene) -> None:
    """With FORCE ROW LEVEL SECURITY the owner sees none; a column that holds data is not dropped."""
    db, ann = scene.db, scene.as_ann
    db.sql(f'GRANT asymm_pulse TO "{scene.ann}"')
    rows(ann, "ALTER TABLE public.hers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    rows(ann, "SELECT asymm.watch('public.hers', 'heal')")
    rows(ann, "ALTER TABLE public.hers ADD COLUMN extra int")
    db.sql("INSERT INTO public.hers (id, extra) VALUES (1, 42)")
    assert rows(ann, "SELECT count(*) FROM public.hers") == [(0,)]
    db.sql("SELECT asymm._process_ddl()")
    (action,) = rows(ann, "SELECT asymm._claim_action()")[0]
    if action is not None:
        rows(ann, "SELECT asymm._apply_action(%s)", action)
    rows(ann, "SELECT state FROM asymm.heal('public.hers')")
    assert db.sql("SELECT extra FROM public.hers") == [(42,)]
    # Nor when a column that a repair made is to go again.
    rows(ann, "SELECT asymm.adopt('public.hers')")
    rows(ann, "ALTER TABLE public.hers DROP COLUMN extra")
    assert rows(ann, "SELECT state FROM asymm.heal('public.hers')") == [("verified",)]
    db.sql("UPDATE public.hers SET extra = 43")
    healed = db.value("SELECT max(id) FROM asymm.actions WHERE state = 'verified'")
    rows(ann, f"SELECT asymm.revert({healed})")
    assert db.sql("SELECT extra FROM public.hers") == [(43,)]


def test_code_of_an_owner_gains_nothing_in_an_actors_session(scene: Scene) -> None:
    """A default is evaluated when its column is remade: by the actor, who may decide nothing (B17)."""
    db, ann = scene.db, scene.as_ann
    actor = db.role("actor", member_of=(scene.ann, "asymm_pulse"))
    db.sql(f'REVOKE asymm_operator FROM "{scene.ann}"')
    rows(
        ann,
        "CREATE FUNCTION public.code() RETURNS text LANGUAGE plpgsql AS $$ BEGIN"
        " PERFORM asymm.configure(max_actions_per_hour => 7); RETURN 'ran'; END $$",
    )
    rows(ann, "INSERT INTO public.hers (id) VALUES (1)")
    rows(ann, "ALTER TABLE public.hers ALTER note SET DEFAULT public.code()")
    db.sql("SELECT asymm.watch('public.hers', 'heal')")
    db.sql("SELECT asymm.set_policy('heal', hazard => 'rewrites table')")
    rows(ann, "ALTER TABLE public.hers DROP COLUMN note")
    db.sql("SELECT asymm._process_ddl()")
    connection = db.connect(user=actor)
    (action,) = rows(connection, "SELECT asymm._claim_action()")[0]
    result = rows(connection, f"SELECT asymm._apply_action({action})")[0][0]
    assert (result["state"], result["error"]["sqlstate"]) == ("failed", "42501")
    assert db.sql("SELECT max_actions_per_hour FROM asymm.settings") == [(600,)]
    # Harmless code runs, and values, identity and domain are what the declaration says.
    rows(ann, "CREATE OR REPLACE FUNCTION public.code() RETURNS text LANGUAGE sql AS $$ SELECT 'x' $$")
    rows(ann, "CREATE DOMAIN public.positive AS int CHECK (VALUE > 0)")
    assert rows(connection, "SELECT asymm._process_ddl()")
    db.sql("SELECT state FROM asymm.heal('public.hers')")
    rows(
        ann,
        "ALTER TABLE public.hers ADD COLUMN p public.positive DEFAULT 5,"
        " ADD COLUMN n int GENERATED ALWAYS AS IDENTITY,"
        " ADD COLUMN g int GENERATED ALWAYS AS (id * 2) STORED",
    )
    db.sql("SELECT asymm.adopt('public.hers')")
    rows(ann, "ALTER TABLE public.hers DROP COLUMN p, DROP COLUMN n, DROP COLUMN g")
    db.sql("SELECT asymm._process_ddl()")
    (action,) = rows(connection, "SELECT asymm._claim_action()")[0]
    assert rows(connection, f"SELECT asymm._apply_action({action})")[0][0]["state"] == "verified"
    assert db.sql("SELECT p, n, g FROM public.hers") == [(5, 1, 2)]
