"""Senders as processes: killed, several at a time, asked to end, without a database."""

from __future__ import annotations

import random
import time
from collections import Counter

import pytest

from asymmetrica.cli import main
from support.cluster import wait_until
from support.receivers import Receiver, Reply

from .conftest import SECRET, TOKEN, Alerts

# A lease that is over; a test need not wait for it.
OVER = "UPDATE asymm.alert_destination_state SET leased_until = now(), next_try_at = now()"
SENT = "SELECT count(*) = %s FROM asymm.alert_outbox WHERE state = 'sent'"


def told(receiver: Receiver) -> Counter[str]:
    """Return how often each alert was told; fail if one was told under two keys."""
    keys = {(request.headers["webhook-id"], request.body) for request in receiver.requests}
    assert len(keys) == len({key for key, _ in keys})
    times: Counter[str] = Counter()
    of: dict[tuple[str, str], str] = {}
    for request in receiver.requests:
        for item in request.json["alerts"]:
            about = (request.json["what"], item["about"])
            assert of.setdefault(about, request.headers["webhook-id"]) == request.headers["webhook-id"]
            times[item["about"]] += 1
    return times


def test_killed_anywhere(alerts: Alerts, receiver: Receiver) -> None:
    alerts.hook(receiver.url)
    alerts.find("first", node="query:0")
    for point, sent in (("claimed", 0), ("delivered", 1)):
        assert alerts.start(fail_at=point).wait(60) == -9
        assert len(receiver.requests) == sent
        assert alerts.states() == {"waiting": 1}
        alerts.db.sql(OVER)
    # Two at once, while more is found; one is asked to end with a message under way.
    first, second = alerts.start(), alerts.start()
    wait_until(lambda: all(alerts.events(serial) for serial in (-1, -2)), 60, "both are ready")
    alerts.db.wait_for(SENT, 1, timeout=60)
    for number in range(1, 21):
        alerts.find(f"k{number}", node=f"query:{number}")
    alerts.db.wait_for(SENT, 21, timeout=60)
    times = told(receiver)
    assert times.pop("query 0") == 2  # once and once more: the one who sent it could not say so
    assert times == {f"query {number}": 1 for number in range(1, 21)}
    first.terminate()
    assert first.wait(60) == 0
    receiver.replies.append(Reply(after=0.5))
    before = len(receiver.requests)
    alerts.find("last", node="query:99")
    receiver.wait(before + 1)
    second.terminate()
    assert second.wait(60) == 0
    assert alerts.states() == {"sent": 22}
    assert [event["what"] for event in alerts.events()][-2:] == ["sent", "stopped"]
    assert not {
        word for word in (SECRET, TOKEN, "never") for serial in range(4) if word in alerts.log(serial)
    }


@pytest.mark.long
def test_killed_a_hundred_times(alerts: Alerts, receiver: Receiver) -> None:
    """Findings come all the time; senders die at any moment; each message arrives, with one key."""
    chance = random.Random(1)
    alerts.hook(receiver.url)
    count = 0
    for _ in range(100):
        process = alerts.start(fail_at=chance.choice(("claimed:2", "delivered:2", "delivered:3", "")))
        until = time.monotonic() + chance.uniform(0.3, 1.5)
        while time.monotonic() < until and process.poll() is None:
            count += 1
            alerts.find(f"k{count}", node=f"query:{count}")
            time.sleep(chance.uniform(0, 0.1))
        process.kill()
        process.wait()
        alerts.db.sql(OVER)
    alerts.db.sql("UPDATE asymm.alert_message SET due_at = now()")
    alerts.start()
    alerts.db.wait_for(SENT, count, timeout=60)
    times = told(receiver)
    assert set(times) == {f"query {number}" for number in range(1, count + 1)}
    assert alerts.states() == {"sent": count}


def test_a_database_that_goes_away(alerts: Alerts, receiver: Receiver) -> None:
    """What was sent meanwhile is said when it is back."""
    alerts.hook(receiver.url)
    alerts.start()
    receiver.replies.append(Reply(after=0.5))
    alerts.find("k")
    receiver.wait(1)
    alerts.db.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'asymmetrica alerts' AND datname = current_database()"
    )
    alerts.db.wait_for(SENT, 1, timeout=60)
    assert len(receiver.requests) == 1
    wait_until(lambda: any(event["what"] == "trouble" for event in alerts.events()), 10, "it said so")


def test_a_clock_that_is_set_back_holds_nothing_up(alerts: Alerts, receiver: Receiver) -> None:
    alerts.hook(receiver.url)
    alerts.find("k")
    alerts.send()
    alerts.find("l")
    # As a killed sender left it before the clock went back; what waits for a time of day waits still.
    alerts.db.sql(
        "UPDATE asymm.alert_destination_state SET lease = gen_random_uuid(),"
        " leased_until = now() + '2 h'::interval, next_try_at = now() + '2 h'::interval"
    )
    alerts.db.sql(
        "UPDATE asymm.alert_message SET created_at = now() + '2 h'::interval,"
        " due_at = now() + '2 h'::interval WHERE state = 'waiting'"
    )
    alerts.find("m")
    alerts.db.sql(
        "UPDATE asymm.alert_message SET due_at = now() + '8 h'::interval"
        " WHERE id = (SELECT max(id) FROM asymm.alert_message)"
    )
    alerts.send()
    assert len(receiver.requests) == 2
    assert alerts.states() == {"sent": 2, "waiting": 1}


def test_the_commands(alerts: Alerts, capsys: pytest.CaptureFixture[str]) -> None:
    dsn = alerts.db.dsn
    assert main(["alerts", "status", "--json", "--dsn", dsn]) == 0
    alerts.hook("http://127.0.0.1:9/")
    alerts.find("k")
    assert main(["alerts", "status", "--json", "--dsn", dsn]) == 1
    assert "query 1" in capsys.readouterr().out
    assert main(["alerts", "run", "--once", "--dsn", dsn]) == 0
    assert "ASYMMETRICA_ALERT_HOOK is not in the sender's environment" in capsys.readouterr().err
    for words in (["--every", "0"], ["--lease", "1"], ["--side-by-side", "0"]):
        assert main(["alerts", "run", *words, "--dsn", dsn]) == 2
    stranger = alerts.db.role("stranger")
    assert main(["alerts", "run", "--dsn", alerts.db.dsn_of(stranger)]) == 4
