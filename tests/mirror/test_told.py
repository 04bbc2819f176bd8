"""What the worker tells: metrics, events on a terminal and in a log, whether Redis may drop its keys."""

from __future__ import annotations

import argparse
import io
import re
import urllib.request

import pytest

from asymmetrica.cli.events import Bars, Teller
from asymmetrica.cli.mirror import place
from asymmetrica.cli.output import Output
from asymmetrica.errors import ConnectionFailed
from asymmetrica.mirror.metrics import Endpoint, Metrics
from asymmetrica.mirror.worker import Event
from support.cluster import free_port
from support.mirror import Mirror


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("9187", ("127.0.0.1", 9187)), ("0.0.0.0:1", ("0.0.0.0", 1)), ("[::]:65535", ("::", 65535)),
        ("", None), ("host", None), ("host:", None), ("0", None), ("65536", None), ("-1", None), ("٣", None),
    ],
)  # fmt: skip
def test_where_metrics_are(text: str, found: tuple[str, int] | None) -> None:
    if found is not None:
        assert place(text) == found
        return
    with pytest.raises(argparse.ArgumentTypeError):
        place(text)


def test_a_port_that_is_taken() -> None:
    first = Endpoint(Metrics(), "127.0.0.1", 0)
    try:
        assert scrape(first.port)["asymmetrica_mirror_leader"] == 0
        with pytest.raises(ConnectionFailed):
            Endpoint(Metrics(), "127.0.0.1", first.port)
    finally:
        first.close()


def scrape(port: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}


def test_metrics_and_memory(mirror: Mirror) -> None:
    mirror.tables("t")
    mirror.mirror("t")
    mirror.redis.config_set("maxmemory-policy", "allkeys-lru")
    mirror.redis.config_set("maxmemory", "1gb")
    port = free_port()
    mirror.tables("u", rows=300)
    mirror.db.sql("ANALYZE")
    worker = mirror.work("--metrics", str(port))
    mirror.check()
    overlap = "SELECT DISTINCT value FROM asymm.draw('mirror_overlap') WHERE shape = 'segment'"
    mirror.db.wait_for(f"SELECT ({overlap}) = 0.25")
    mirror.db.sql("UPDATE t SET n = 1")
    mirror.check()
    found = {name.removeprefix("asymmetrica_mirror_"): value for name, value in scrape(port).items()}
    assert found["leader"] == found["leads_total"] == found["builds_total"] == found["unsafe_total"] == 1
    assert (found["changes_total"], found["dropped_total"], found["failures_total"]) == (100, 0, 0)
    assert found["transactions_total"] >= 1
    assert found["batches_total"] >= 1
    assert found['tables{state="live"}'] == 1
    assert found['tables{state="unsafe"}'] == 0
    assert found['rows{table="public.t"}'] == 100
    assert 0 <= found["lag_seconds"] < 60
    assert 0 <= found["lag_bytes"] < 1 << 24
    assert not [name for name in found if mirror.server.password in name]
    query = "SELECT status, seen, remedy FROM asymm._doctor_mirror() WHERE check_name = 'memory of Redis'"
    ((status, seen, remedy),) = mirror.db.sql(query)
    assert (status, seen) == ("warning", "maxmemory 1024 MB, maxmemory-policy allkeys-lru")
    assert "volatile-lru" in remedy
    assert "allkeys-lru" in mirror.db.value("SELECT error FROM asymm.mirror_status()")
    assert worker.stop() == 0
    mirror.db.sql(
        """UPDATE asymm.mirror_worker SET counters = counters || '{"redis_policy": "volatile-lru"}'"""
    )
    assert [row[0] for row in mirror.db.sql(query)] == ["ok"]
    assert mirror.db.value("SELECT error FROM asymm.mirror_status()") is None


EVENTS = (
    Event("leading"),
    Event("building", None, "public.t", 250, 1000),
    Event("building", None, "public.u", 7),
    Event("failed", 'no "more" [bold]', wait=0.5),
    Event("built", None, "public.t", 1001),
)


def test_bars_are_for_terminals() -> None:
    from rich.console import Console

    shown = io.StringIO()
    bars = Bars(Output(json=False), Console(file=shown, force_terminal=True, width=100, highlight=False))
    for number, event in enumerate(EVENTS):
        bars(event)
        bars.bars.refresh()
        left = {task.description: (task.completed, task.total) for task in bars.bars.tasks}
        if number == 2:
            assert left == {"public.t": (250, 1000), "public.u": (7, None)}
    assert left == {}
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.getvalue())
    assert re.search(r'\d\d:\d\d:\d\d mirror failed: no "more" \[bold\], trying again in 0\.5 s\n', text)
    assert re.search(r"\d\d:\d\d:\d\d public\.t built 1001 rows\n", text)


def test_lines_are_for_logs(capsys: pytest.CaptureFixture[str]) -> None:
    for event in EVENTS:
        Teller(Output(json=False))(event)
    told = capsys.readouterr()
    lines = [re.sub(r"^time=\S+T\S+ ", "", line) for line in told.err.splitlines()]
    assert told.out == ""
    assert lines == [
        "event=leading",
        "event=building table=public.t rows=250 total=1000",
        "event=building table=public.u rows=7",
        r'event=failed note="no \"more\" [bold]" wait=0.500',
        "event=built table=public.t rows=1001",
    ]
