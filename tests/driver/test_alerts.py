"""Alerts by the driver: destinations, rules, what is open, the outbox."""

from __future__ import annotations

from datetime import timedelta

import pytest

from asymmetrica import InvalidArgument, UnknownObject
from support.database import Database

from .conftest import Caller


async def test_alerts(call: Caller, db: Database) -> None:
    made = await call(
        "set_alert_destination", "hook", "webhook", url="https://h/", secret="ASYMMETRICA_ALERT_X"
    )
    assert [made] == await call("alert_destinations")
    assert (made.state, made.give_up_after, made.waiting) == ("not used yet", timedelta(days=1), 0)
    with pytest.raises(InvalidArgument) as raised:
        await call("set_alert_destination", "hook", "webhook", url="https://me:hunter@h/")
    assert "hunter" not in str(raised.value)
    with pytest.raises(UnknownObject):
        await call("alert_on", "night", ["nobody"])
    rule = await call("alert_on", "night", ["hook"], quiet_hours="22:00-07:00", time_zone="Europe/Berlin")
    assert [rule] == await call("alert_rules")
    db.sql("SELECT asymm._find('ux', 'k', 'critical', 'query:1', 'is slow')")
    [alert] = await call("alerts")
    assert (alert.rule, alert.about, alert.waiting) == ("night", "query 1", 1)
    assert await call("acknowledge", alert.id)
    assert not await call("acknowledge", alert.id)
    with pytest.raises(UnknownObject):
        await call("acknowledge", 0)
    number = await call("test_alert", "hook")
    assert [row.what for row in await call("alert_outbox", state="waiting")] == ["opened", "test"]
    assert not await call("resend", number)
    assert await call("alert_off", "night")
    assert not await call("alert_off", "night")
    assert await call("alerts") == []
    assert [row.outcome for row in await call("alerts", closed=True)] == ["rule removed"]
    assert await call("drop_alert_destination", "hook")
