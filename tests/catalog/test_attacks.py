"""Attacks by roles that may do something here, but not this: each must be refused or come to nothing."""

from __future__ import annotations

import pytest

from support.scene import Scene, refused, rows

# A sub-select as argument, since a strict function of a constant NULL is not even looked up.
CALLS = """
    SELECT format(CASE p.prokind WHEN 'p' THEN 'CALL asymm.%I(%s)' ELSE 'SELECT asymm.%I(%s)' END,
        p.proname, a.list)
      FROM pg_proc p
     CROSS JOIN LATERAL (
         SELECT COALESCE(string_agg(CASE p.prokind WHEN 'p' THEN format('NULL::%s', t::regtype)
                                                   -- Else an array would be cast to the type of that name.
                    ELSE CASE WHEN p.provariadic <> 0 AND n = p.pronargs THEN 'VARIADIC ' ELSE '' END
                         || format('(SELECT NULL::%s)', t::regtype) END, ', ' ORDER BY n), '') AS list
           FROM unnest(p.proargtypes) WITH ORDINALITY AS a (t, n)) AS a
     WHERE p.pronamespace = 'asymm'::regnamespace AND p.prorettype <> 'event_trigger'::regtype"""
READS = """
    SELECT 'SELECT * FROM ' || oid::regclass FROM pg_class
     WHERE relnamespace = 'asymm'::regnamespace AND relkind IN ('r', 'v')"""


def test_a_plain_role_can_call_and_read_nothing(scene: Scene) -> None:
    plain = scene.db.connect(user=scene.plain)
    queries = [row[0] for row in scene.db.sql(CALLS) + scene.db.sql(READS)]
    assert len(queries) > 150
    for query in queries:
        refused(plain, query)
    # Nor is it the schema alone that keeps it out.
    scene.db.sql(f'GRANT USAGE ON SCHEMA asymm TO "{scene.plain}"')
    for query in queries:
        refused(plain, query)
    # Its DDL is logged all the same, though it may not run the trigger's function.
    rows(plain, "CREATE TEMP TABLE mine (a int)")
    scene.db.sql(f'GRANT CREATE ON SCHEMA public TO "{scene.plain}"')
    rows(plain, "CREATE TABLE public.theirs (a int)")
    assert scene.db.sql("SELECT role, objects FROM asymm.ddl ORDER BY id DESC LIMIT 1") == [
        (scene.plain, ["public.theirs"])
    ]


def test_a_reader_sees_no_statement_and_no_row_in_an_error(scene: Scene) -> None:
    rows(scene.as_ann, "CREATE TABLE public.mail (address text, UNIQUE (address))")
    rows(scene.as_ann, "SELECT asymm.watch('public.mail')")
    rows(scene.as_ann, "ALTER TABLE public.mail DROP CONSTRAINT mail_address_key")
    rows(scene.as_ann, "INSERT INTO public.mail VALUES ('ann@secret.example'), ('ann@secret.example')")
    scene.db.sql("SELECT asymm._process_ddl()")
    rows(scene.as_ann, "SELECT asymm.heal('public.mail')")
    action = scene.db.value("SELECT max(id) FROM asymm.actions WHERE state = 'failed'")
    # An operator sees what went wrong, and where; the values of rows nobody.
    error = str(scene.db.sql("SELECT error FROM asymm.actions"))
    assert "Key (address)=(…)" in error
    assert "secret.example" not in error
    reader = scene.db.connect(user=scene.reader)
    seen = [
        rows(reader, "SELECT * FROM asymm.drift"),
        rows(reader, "SELECT * FROM asymm.actions"),
        rows(reader, "SELECT * FROM asymm.action_history(%s)", action),
        rows(reader, "SELECT * FROM asymm.ddl"),
    ]
    assert all(seen)
    assert "secret.example" not in str(seen)
    assert rows(reader, "SELECT count(statement) FROM asymm.ddl") == [(0,)]
    assert rows(reader, "SELECT count(statement) FROM asymm.drift") == [(0,)]
    operator = rows(scene.as_ann, "SELECT count(statement) FROM asymm.ddl")
    assert operator > [(0,)]
    for query in (
        "asymm.heal('public.mail')",
        "asymm.adopt('public.mail')",
        "asymm.configure(period => '1 s')",
    ):
        refused(reader, f"SELECT {query}")


def test_an_operator_cannot_touch_what_another_owns(scene: Scene) -> None:
    action = scene.slip()
    rows(scene.as_ann, "SELECT asymm.heal('public.hers')")
    healed = scene.db.value("SELECT max(id) FROM asymm.actions WHERE state = 'verified'")
    rows(scene.as_ann, "ALTER TABLE public.hers ALTER note DROP DEFAULT")
    scene.db.sql("SELECT asymm._process_ddl()")
    action = scene.db.value("SELECT max(id) FROM asymm.actions WHERE state = 'proposed'")
    before = scene.db.sql("SELECT * FROM asymm.baseline")
    for query in (
        "asymm.watch('public.hers', 'observe')",
        "asymm.watch_schema('public')",
        "asymm.unwatch('public.hers')",
        "asymm.adopt('public.hers')",
        "asymm.heal('public.hers')",
        "asymm.heal('public.hers', dry_run => true)",
        f"asymm.approve({action})",
        f"asymm.reject({action})",
        f"asymm.revert({healed})",
        f"asymm.revert({healed}, dry_run => true)",
        "asymm._request_heal('public.hers', false)",
        "asymm._request_heal('public.hers', NULL)",
        f"asymm._approve({action})",
        f"asymm._begin_revert({healed}, false)",
        f"asymm._finish_revert({healed}, NULL)",
    ):
        refused(scene.as_bob, f"SELECT {query}")
    assert scene.state(action) == "proposed"
    assert scene.state(healed) == "verified"
    assert scene.db.sql("SELECT * FROM asymm.baseline") == before
    # What the beat may run is for those who act for the owner, too.
    scene.db.sql(f'GRANT asymm_pulse TO "{scene.bob}"')
    scene.db.sql("UPDATE asymm.action SET state = 'approved' WHERE id = %s", action)
    assert rows(scene.as_bob, "SELECT asymm._claim_action()") == [(None,)]
    assert rows(scene.as_bob, "SELECT asymm._recover_actions()") == [(0,)]
    scene.db.sql("UPDATE asymm.action SET state = 'applying' WHERE id = %s", action)
    for query in (
        f"asymm._open_steps({action}, 1)",
        f"asymm._settle({action})",
        f"asymm._finish_action({action}, '[]', NULL)",
        f"asymm._apply_action({action})",
    ):
        refused(scene.as_bob, f"SELECT {query}")
    assert scene.state(action) == "applying"


def test_who_takes_the_name_of_a_watched_table_gets_nothing(scene: Scene) -> None:
    rows(scene.as_ann, "SELECT asymm.watch('public.hers', 'heal')")
    rows(scene.as_ann, "DROP TABLE public.hers")
    rows(scene.as_bob, "CREATE TABLE public.hers (id int PRIMARY KEY, note text)")
    scene.db.sql("SELECT asymm._process_ddl()")
    for query in (
        "asymm.watch('public.hers', 'observe')",
        "asymm.unwatch('public.hers')",
        "asymm.adopt('public.hers')",
        "asymm.heal('public.hers')",
    ):
        refused(scene.as_bob, f"SELECT {query}")
    # The first owner's actor must not work on the stranger's table either.
    scene.db.sql(f'GRANT asymm_pulse TO "{scene.ann}"')
    assert rows(scene.as_ann, "SELECT asymm._claim_action()") == [(None,)]
    assert scene.db.sql("SELECT policy, watched_by FROM asymm.watched") == [("heal", scene.ann)]


def test_nothing_can_be_forged_by_calling_the_pieces(scene: Scene) -> None:
    action = scene.slip()
    scene.db.sql(f'GRANT asymm_pulse TO "{scene.ann}"')
    baseline = scene.db.value("SELECT fingerprint FROM asymm.baseline")
    refused(scene.as_ann, f"SELECT asymm._finish_action({action}, '[]', NULL)", "SY005")
    refused(scene.as_ann, f"SELECT asymm._settle({action})", "SY005")
    refused(scene.as_ann, f"SELECT asymm._finish_revert({action}, NULL)", "SY005")
    # Opened, not run: not verified.
    rows(scene.as_ann, "SELECT asymm._request_heal('public.hers', false)")
    opened = scene.db.value("SELECT max(id) FROM asymm.actions")
    rows(scene.as_ann, f"SELECT asymm._finish_action({opened}, '[]', NULL)")
    assert scene.state(opened) == "failed"
    # Opened, then something else was done to the very part that the step mends: neither verified nor adopted.
    rows(scene.as_ann, "SELECT asymm._request_heal('public.hers', false)")
    opened = scene.db.value("SELECT max(id) FROM asymm.actions")
    rows(scene.as_ann, "ALTER TABLE public.hers ALTER note SET DEFAULT 'evil'")
    rows(scene.as_ann, f"SELECT asymm._finish_action({opened}, '[]', NULL)")
    assert scene.state(opened) != "verified"
    assert scene.db.value("SELECT fingerprint FROM asymm.baseline") == baseline
    # Done by hand and said to be more: what did not stand in the plan is not kept for revert() to run.
    rows(scene.as_ann, "SELECT asymm._request_heal('public.hers', false)")
    opened = scene.db.value("SELECT max(id) FROM asymm.actions")
    rows(scene.as_ann, "ALTER TABLE public.hers ALTER note SET DEFAULT 'x'")
    ran = '[{"part": "column", "name": "note", "forward": "", "inverse": "CREATE TABLE public.evil ()"}]'
    rows(scene.as_ann, "SELECT asymm._finish_action(%s, %s, NULL)", opened, ran)
    assert scene.state(opened) == "verified"
    assert scene.db.value("SELECT steps FROM asymm.action WHERE id = %s", opened) == []
    rows(scene.as_ann, "SELECT asymm._request_heal_all(false)")
    rows(scene.as_ann, "ALTER TABLE public.hers ALTER note DROP DEFAULT")
    rows(scene.as_ann, "SELECT asymm._request_heal_all(false)")
    opened = scene.db.value("SELECT max(id) FROM asymm.actions WHERE state = 'applying'")
    rows(scene.as_ann, "SELECT asymm._finish_heal_all(%s, %s, '[]', NULL)", opened, ran)
    assert scene.db.value("SELECT steps FROM asymm.action WHERE id = %s", opened) == []
    # Healed for good; reverted is what the catalog shows, not what is said.
    rows(scene.as_ann, "SELECT asymm.heal('public.hers')")
    healed = scene.db.value("SELECT max(id) FROM asymm.actions WHERE state = 'verified'")
    refused(scene.as_ann, f"SELECT asymm._finish_revert({healed}, NULL)", "SY005")
    rows(scene.as_ann, f"SELECT asymm._begin_revert({healed}, false)")
    refused(scene.as_ann, f"SELECT asymm._finish_revert({healed}, NULL)", "SY007")
    assert scene.state(healed) == "reverting"
    rows(scene.as_ann, "SELECT asymm._recover_actions()")
    assert scene.state(healed) == "verified"
    assert scene.db.value("SELECT fingerprint FROM asymm.baseline") == baseline


@pytest.mark.parametrize(
    "call",
    [
        "asymm.unwatch('public.hers')",
        "asymm.adopt('public.hers')",
        "asymm.watch('public.hers', 'observe')",
        "asymm.configure(max_actions_per_hour => 0)",
        "asymm._request_heal('public.hers', false)",
    ],
)
def test_maintenance_by_a_superuser_lends_nobody_his_name(scene: Scene, call: str) -> None:
    """ANALYZE and REFRESH run the owner's functions as that owner, in the superuser's session."""
    scene.slip()
    before = scene.db.sql("SELECT * FROM asymm.baseline"), scene.db.sql("SELECT * FROM asymm.settings")
    rows(scene.as_bob, "CREATE TABLE public.his (a int)")
    body = (
        "CREATE OR REPLACE FUNCTION public.trap(a int) RETURNS int LANGUAGE plpgsql IMMUTABLE"
        " AS $$ BEGIN {} RETURN a; END $$"
    )
    rows(scene.as_bob, body.format(""))
    rows(scene.as_bob, "CREATE INDEX ON public.his (public.trap(a))")
    rows(scene.as_bob, "INSERT INTO public.his VALUES (1)")
    rows(scene.as_bob, "CREATE MATERIALIZED VIEW public.his_view AS SELECT public.trap(a) FROM public.his")
    rows(scene.as_bob, body.format(f"PERFORM {call};"))
    refused(scene.db.own, "ANALYZE public.his")
    refused(scene.db.own, "REINDEX TABLE public.his")
    refused(scene.db.own, "REFRESH MATERIALIZED VIEW public.his_view")
    assert (
        scene.db.sql("SELECT * FROM asymm.baseline"),
        scene.db.sql("SELECT * FROM asymm.settings"),
    ) == before


def test_set_role_gives_what_membership_gives_and_no_more(scene: Scene) -> None:
    rows(scene.as_ann, "SELECT asymm.watch('public.hers')")
    refused(scene.as_bob, "SELECT set_config('role', 'postgres', false)")
    refused(scene.as_bob, f'SET ROLE "{scene.ann}"')
    refused(
        scene.as_bob,
        f"CREATE FUNCTION pg_temp.f() RETURNS void LANGUAGE sql SET role = '{scene.ann}'"
        " AS 'SELECT asymm.unwatch(''hers'')'; SELECT pg_temp.f()",
    )
    both = scene.db.role("both", member_of=(scene.ann, scene.bob))
    connection = scene.db.connect(user=both)
    rows(connection, f'SET ROLE "{scene.bob}"')
    refused(connection, "SELECT asymm.adopt('public.hers')")
    rows(connection, "RESET ROLE")
    assert rows(connection, "SELECT asymm.adopt('public.hers')") == []
