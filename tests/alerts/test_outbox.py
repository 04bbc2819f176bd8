"""What becomes an alert: in the transaction of what it tells of, once for each key, and when it is over."""

from __future__ import annotations

import psycopg
import pytest

from support.database import Database

from .conftest import Alerts

NOWHERE = "http://127.0.0.1:9/x"
OPEN = "SELECT about, severity, seen FROM asymm.alerts WHERE closed_at IS NULL ORDER BY about"
WAITING = "SELECT what, destination FROM asymm.alert_outbox WHERE state = 'waiting' ORDER BY id"


def test_a_message_is_there_if_what_it_tells_of_is(alerts: Alerts) -> None:
    alerts.hook(NOWHERE)
    with alerts.db.connect(autocommit=False) as session:
        session.execute("SELECT asymm._find('ux', 'undone', 'critical', 'query:1', 'x')")
        assert alerts.db.sql(WAITING) == []
        session.rollback()
        session.execute("SELECT asymm._find('ux', 'done', 'critical', 'query:2', 'y')")
        session.commit()
    assert alerts.db.sql(OPEN) == [("query 2", "critical", "y")]
    assert alerts.db.sql(WAITING) == [("opened", "hook")]


def test_a_key_has_one_open_alert(alerts: Alerts) -> None:
    alerts.hook(NOWHERE)
    for severity in ("warning", "warning", "info", "critical"):
        alerts.find("k", severity)
    # What is worse by then is said with the first message, which was not sent yet.
    assert alerts.db.sql(OPEN) == [("query 1", "critical", "is slow")]
    assert alerts.db.sql(WAITING) == [("opened", "hook")]
    alerts.db.sql("UPDATE asymm.alert_message SET state = 'sent', ended_at = now()")
    alerts.db.sql("UPDATE asymm.finding SET severity = 'warning'")
    alerts.find("k", "critical")
    assert alerts.db.sql(WAITING) == [("raised", "hook")]
    alerts.over("k")
    assert alerts.db.sql(WAITING) == [("raised", "hook"), ("resolved", "hook")]
    assert alerts.db.sql(OPEN) == []
    # That it is over was not told yet: it goes on.
    alerts.find("k", "critical")
    assert alerts.db.sql(WAITING) == [("raised", "hook")]
    assert alerts.db.value("SELECT count(*) FROM asymm.alerts") == 1


def test_rules_choose_by_source_severity_kind_and_name(alerts: Alerts) -> None:
    db = alerts.db
    db.sql("CREATE TABLE public.a (id int); CREATE TABLE public.b (id int)")
    db.sql("CREATE VIEW public.v AS SELECT 1 AS one")
    for name in ("a", "b", "v"):
        db.sql("SELECT asymm.watch(%s)", f"public.{name}")
    alerts.hook(NOWHERE)
    rules = {
        "critical": "severity => 'critical'",
        "drift": "sources => '{drift}'",
        "views": "sources => '{drift}', kinds => '{view}'",
        "names": "pattern => 'public.b%%'",
        "queries": "kinds => '{query}'",
    }
    for name, conditions in rules.items():
        db.sql(f"SELECT asymm.alert_on(%s, '{{hook}}', {conditions})", name)
    for slip in (
        "ALTER TABLE public.a ADD n int",
        "DROP TABLE public.b",
        "COMMENT ON VIEW public.v IS 'slip'",
    ):
        db.sql(slip)
    db.sql("SELECT asymm._process_ddl()")
    alerts.find("k")
    alerts.find("i", "info", "entity:public.bb")
    found = dict(
        db.sql(
            "SELECT rule, array_agg(about ORDER BY about) FROM asymm.alerts WHERE rule <> 'all' GROUP BY 1"
        )
    )
    assert found == {
        "critical": ["public.b"],
        "drift": ["public.a", "public.b", "public.v"],
        "views": ["public.v"],
        "names": ["public.b"],
        "queries": ["query 1"],
    }
    # A rule that comes later counts what is open, and one that goes ends its alerts without a word.
    db.sql("SELECT asymm.alert_on('late', '{hook}', 'info')")
    assert db.value("SELECT open FROM asymm.alert_rules WHERE name = 'late'") == 5
    db.sql("SELECT asymm.alert_off('late')")
    left = db.sql(
        "SELECT DISTINCT m.state, outcome FROM asymm.alert a JOIN asymm.alert_message m ON m.alert_id = a.id"
        " WHERE rule = 'late'"
    )
    assert left == [("skipped", "rule removed")]
    # What is watched no more is no alert any more, nor what is adopted.
    db.sql("SELECT asymm.unwatch('public.a')")
    db.sql("SELECT asymm.adopt('public.v')")
    assert db.sql(
        "SELECT about, outcome FROM asymm.alerts WHERE rule = 'drift' AND closed_at IS NOT NULL ORDER BY 1"
    ) == [
        ("public.a", "unwatched"),
        ("public.v", "adopted"),
    ]


def test_housekeeping_puts_right_what_a_trigger_missed(alerts: Alerts) -> None:
    db = alerts.db
    alerts.hook(NOWHERE)
    db.sql("CREATE TABLE public.t (id int)")
    db.sql("SELECT asymm.watch('public.t')")
    alerts.find("closed")
    held = db.connect(autocommit=False)
    held.execute("SELECT FROM asymm.alert FOR UPDATE")
    with db.connect(options="-c session_replication_role=replica") as blind:
        blind.execute("SELECT asymm._find('ux', 'missed', 'warning', 'query:2', 'x')")
        blind.execute("SELECT asymm._close_findings('ux', '{missed}')")
        blind.execute("ALTER TABLE public.t ADD n int")
        blind.execute("SELECT asymm._scan_all()")
    # An alert that is locked keeps nobody from finding; it is put right later.
    with db.connect(options="-c lock_timeout=10ms") as finder:
        finder.execute("SELECT asymm._find('ux', 'closed', 'critical', 'query:1', 'worse')")
    held.rollback()
    assert db.value("SELECT severity FROM asymm.findings WHERE key = 'closed'") == "critical"
    db.sql("SELECT asymm._close_findings('ux', '{missed}')")
    db.sql("SELECT asymm._tend_alerts()")
    assert [about for about, *_ in db.sql(OPEN)] == ["public.t", "query 2"]
    # Old messages go, those of open alerts stay; what nobody came for in time is a dead letter.
    db.sql("UPDATE asymm.alert_message SET due_at = due_at - interval '3 days'")
    db.sql("SELECT asymm._tend_alerts()")
    assert set(alerts.states()) == {"dead"}
    db.sql("UPDATE asymm.alert_message SET ended_at = ended_at - interval '31 days'")
    db.sql("UPDATE asymm.alert SET closed_at = closed_at - interval '31 days'")
    db.sql("SELECT asymm._tend_alerts()")
    assert db.value("SELECT count(*) FROM asymm.alerts WHERE closed_at IS NOT NULL") == 0
    assert db.value("SELECT count(*) FROM asymm.alert_message") == 2


def test_quiet_hours_end_in_the_rules_own_zone(db: Database) -> None:
    due = "SELECT asymm._alert_due(r, %s, %s) AT TIME ZONE 'UTC' || '' FROM asymm.alert_rule r"
    db.sql("SELECT asymm.set_alert_destination('d', 'alertmanager', 'http://127.0.0.1:9')")
    db.sql("SELECT asymm.alert_on('r', '{d}', quiet_hours => '22:00-07:00', time_zone => 'Europe/Berlin')")
    for at, wanted in (
        ("2026-07-01 19:59+00", "2026-07-01 19:59:00"),
        ("2026-07-01 20:00+00", "2026-07-02 05:00:00"),
        ("2026-07-02 04:59+00", "2026-07-02 05:00:00"),
        ("2026-12-01 20:59+00", "2026-12-01 20:59:00"),
        ("2026-12-01 21:00+00", "2026-12-02 06:00:00"),
        ("2026-10-24 20:00+00", "2026-10-25 06:00:00"),  # clocks go back in that night
    ):
        assert db.value(due, "warning", at) == wanted
        assert db.value(due, "critical", at) == at.replace("+00", ":00")
    db.sql("SELECT asymm.alert_on('r', '{d}', quiet_hours => '12:00-13:00')")
    assert db.value(due, "info", "2026-07-01 12:30+00") == "2026-07-01 13:00:00"
    assert db.value(due, "info", "2026-07-01 13:00+00") == "2026-07-01 13:00:00"


def test_who_may_say_where_alerts_go(db: Database) -> None:
    one, other = (db.role(name, member_of=("asymm_operator",)) for name in ("one", "other"))
    reader = db.connect(user=db.role("reader", member_of=("asymm_reader",)))
    actor = db.connect(user=db.role("actor", member_of=("asymm_pulse",)))
    sender = db.connect(user=db.role("sender", member_of=("asymm_sender",)))
    mine, theirs = db.connect(user=one), db.connect(user=other)
    made = "SELECT asymm.set_alert_destination('d', 'webhook', 'http://h/', 'ASYMMETRICA_ALERT_X')"
    ruled = "SELECT asymm.alert_on('r', '{d}')"
    mine.execute(made)
    mine.execute(ruled)
    db.sql("SELECT asymm._find('ux', 'k', 'critical', 'query:1', 'x')")
    assert reader.execute("SELECT about FROM asymm.alerts").fetchall() == [("query 1",)]
    refused = {
        theirs: (made, ruled, "SELECT asymm.alert_off('r')", "SELECT asymm.drop_alert_destination('d')"),
        reader: (made, ruled, "SELECT url FROM asymm.alert_destinations", "SELECT FROM asymm.alert_outbox",
                 "SELECT asymm._alert_claim()", "SELECT asymm.acknowledge(1)"),
        actor: (made, "SELECT asymm._alert_claim()", "SELECT asymm.resend(1)"),
        sender: (made, "SELECT FROM asymm.alert_outbox", "SELECT FROM asymm.alerts",
                 "SELECT FROM asymm.drift", "SELECT FROM asymm.alert_destination"),
        mine: ("SELECT asymm._alert_claim()", "SELECT FROM asymm.alert_message",
               "SELECT asymm._open_alert(NULL, NULL)"),
    }  # fmt: skip
    for session, calls in refused.items():
        for call in calls:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                session.execute(call.encode())
    theirs.execute("SELECT asymm.test_alert('d'), asymm.acknowledge(1)")
    assert sender.execute("SELECT destination FROM asymm._alert_claim()").fetchall() == [("d",)]
    mine.execute("SELECT asymm.alert_off('r'), asymm.drop_alert_destination('d')")


def test_a_copy_sends_nothing_until_it_is_resumed(alerts: Alerts) -> None:
    alerts.hook(NOWHERE)
    alerts.db.sql("UPDATE asymm.control SET place = jsonb_set(place, '{database}', '\"1\"')")
    with pytest.raises(psycopg.Error) as raised:
        alerts.db.sql("SELECT asymm._alert_claim()")
    assert raised.value.sqlstate == "SY004"
    alerts.db.sql("UPDATE asymm.control SET place = NULL")
    with pytest.raises(psycopg.Error):
        alerts.db.sql("SELECT asymm._alert_claim()")
    alerts.db.sql("SELECT asymm.resume()")
    assert alerts.db.sql("SELECT message FROM asymm._alert_claim()") == []
