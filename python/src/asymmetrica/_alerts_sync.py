# Generated from _alerts_async.py by tools/async_to_sync.py: change that, not this.
"""Methods for alerts: where they go, what they are about, which are open, what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from . import _sql_alerts
from ._session_sync import Session
from .rows import Alert, AlertDestination, AlertMessage, AlertRule

DAY, MOMENT = timedelta(days=1), timedelta(seconds=2)


class Alerts:
    """The functions and views of alerts. `asymmetrica alerts run` sends."""

    _session: Session

    def set_alert_destination(
        self,
        name: str,
        kind: str,
        *,
        url: str | None = None,
        secret: str | None = None,
        sender: str | None = None,
        recipients: Sequence[str] = (),
        template: str | None = None,
        language: str = "en",
        give_up_after: timedelta = DAY,
    ) -> AlertDestination:
        """Say where alerts can go: `kind` is webhook, whatsapp, alertmanager or email.

        `secret`, and `url` as env:NAME, name variables ASYMMETRICA_ALERT_… of the sender's environment.
        Raises `InvalidArgument`, `NotAllowed`.
        """
        values = {
            "name": name, "kind": kind, "url": url, "secret": secret, "sender": sender,
            "recipients": list(recipients), "template": template, "language": language,
            "give_up_after": give_up_after,
        }  # fmt: skip
        return (self._session.rows(AlertDestination, _sql_alerts.SET_DESTINATION, values))[0]

    def alert_destinations(self) -> list[AlertDestination]:
        """Return where alerts can go, whether that works, and what waits."""
        return self._session.rows(AlertDestination, _sql_alerts.DESTINATIONS)

    def drop_alert_destination(self, name: str) -> bool:
        """Forget a destination that no rule uses; False when there is none. Raises `InvalidArgument`."""
        return bool(self._session.value(_sql_alerts.DROP_DESTINATION, {"name": name}))

    def test_alert(self, destination: str) -> int:
        """Have a test message sent; return its number. Raises `UnknownObject`."""
        return int(self._session.value(_sql_alerts.TEST, {"destination": destination}))

    def alert_on(
        self,
        name: str,
        destinations: Sequence[str],
        *,
        severity: str = "warning",
        sources: Sequence[str] | None = None,
        kinds: Sequence[str] | None = None,
        pattern: str | None = None,
        wait: timedelta = MOMENT,
        resolved: bool = True,
        quiet_hours: str = "",
        time_zone: str = "UTC",
        escalate_after: timedelta | None = None,
        escalate_to: Sequence[str] | None = None,
    ) -> AlertRule:
        """Have findings and drift of at least this severity told to destinations.

        What is over within `wait` is not told. In `quiet_hours` (22:00-07:00) only what is critical is. If
        nobody calls `acknowledge()` within `escalate_after`, `escalate_to` are told too.
        Raises `InvalidArgument`, `UnknownObject`, `NotAllowed`.
        """
        values = {
            "name": name, "destinations": list(destinations), "severity": severity,
            "sources": None if sources is None else list(sources),
            "kinds": None if kinds is None else list(kinds), "pattern": pattern, "wait": wait,
            "resolved": resolved, "quiet_hours": quiet_hours, "time_zone": time_zone,
            "escalate_after": escalate_after,
            "escalate_to": None if escalate_to is None else list(escalate_to),
        }  # fmt: skip
        return (self._session.rows(AlertRule, _sql_alerts.ALERT_ON, values))[0]

    def alert_rules(self) -> list[AlertRule]:
        """Return the rules of `alert_on()`."""
        return self._session.rows(AlertRule, _sql_alerts.RULES)

    def alert_off(self, name: str) -> bool:
        """Take a rule back and end its alerts; False when there is none. Raises `NotAllowed`."""
        return bool(self._session.value(_sql_alerts.ALERT_OFF, {"name": name}))

    def alerts(self, *, closed: bool = False) -> list[Alert]:
        """Return the alerts that are open, or all that are kept."""
        return self._session.rows(Alert, _sql_alerts.ALERTS, {"closed": closed})

    def acknowledge(self, alert: int) -> bool:
        """Say that somebody sees to it: it is not escalated. Raises `UnknownObject`."""
        return bool(self._session.value(_sql_alerts.ACKNOWLEDGE, {"alert": alert}))

    def alert_outbox(self, *, state: str | None = None) -> list[AlertMessage]:
        """Return messages: all, or those in a state (waiting, sent, dead, skipped)."""
        return self._session.rows(AlertMessage, _sql_alerts.OUTBOX, {"state": state})

    def resend(self, message: int) -> bool:
        """Have a dead letter sent again; False when it is none. Raises `UnknownObject`."""
        return bool(self._session.value(_sql_alerts.RESEND, {"message": message}))
