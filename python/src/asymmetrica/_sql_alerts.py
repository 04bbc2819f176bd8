"""Statements of alerts."""

from typing import Final

_DESTINATION: Final = """name, kind, url, secret, sender, recipients, template, language, give_up_after,
    state, failures_in_row, error, status, sent, failed, dead, waiting, last_sent_at, next_try_at"""
SET_DESTINATION: Final = f"""SELECT {_DESTINATION} FROM asymm.set_alert_destination(
    name => %(name)s, kind => %(kind)s, url => %(url)s, secret => %(secret)s, sender => %(sender)s,
    recipients => %(recipients)s::pg_catalog.text[], template => %(template)s, language => %(language)s,
    give_up_after => %(give_up_after)s)"""
DESTINATIONS: Final = f"SELECT {_DESTINATION} FROM asymm.alert_destinations ORDER BY name"
DROP_DESTINATION: Final = "SELECT asymm.drop_alert_destination(name => %(name)s)"
TEST: Final = "SELECT asymm.test_alert(destination => %(destination)s)"
_RULE: Final = """name, destinations, severity, sources, kinds, pattern, wait, resolved, quiet_hours,
    time_zone, escalate_after, escalate_to, set_by, open"""
ALERT_ON: Final = f"""SELECT {_RULE} FROM asymm.alert_on(
    name => %(name)s, destinations => %(destinations)s::pg_catalog.text[], severity => %(severity)s,
    sources => %(sources)s::pg_catalog.text[], kinds => %(kinds)s::pg_catalog.text[], pattern => %(pattern)s,
    wait => %(wait)s, resolved => %(resolved)s, quiet_hours => %(quiet_hours)s, time_zone => %(time_zone)s,
    escalate_after => %(escalate_after)s, escalate_to => %(escalate_to)s::pg_catalog.text[])"""
RULES: Final = f"SELECT {_RULE} FROM asymm.alert_rules ORDER BY name"
ALERT_OFF: Final = "SELECT asymm.alert_off(name => %(name)s)"
ALERTS: Final = """SELECT id, rule, severity, source, about, seen, opened_at, acknowledged_at,
    acknowledged_by, escalated_at, closed_at, outcome, sent, waiting, dead FROM asymm.alerts
    WHERE %(closed)s OR closed_at IS NULL ORDER BY id"""
OUTBOX: Final = """SELECT id, alert, destination, recipient, what, state, due_at, tries, text, status, error,
    ended_at FROM asymm.alert_outbox
    WHERE %(state)s::pg_catalog.text IS NULL OR state OPERATOR(pg_catalog.=) %(state)s ORDER BY id"""
ACKNOWLEDGE: Final = "SELECT asymm.acknowledge(alert => %(alert)s)"
RESEND: Final = "SELECT asymm.resend(message => %(message)s)"
