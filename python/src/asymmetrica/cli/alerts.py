"""The commands of alerts: run a sender, show what is open and how destinations do."""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Callable
from typing import Any

from .._database_sync import connect
from .events import Teller
from .exchange import UsageError
from .output import Output


def add(actions: Any, common: argparse.ArgumentParser, epilog: str) -> None:
    """Add `alerts run` and `alerts status` to the command line."""
    text = "tell findings and drift to webhooks, WhatsApp, an Alertmanager and by mail"
    parts = actions.add_parser("alerts", help=text, description=text, epilog=epilog).add_subparsers(
        metavar="what", required=True
    )

    def command(name: str, run: Callable[..., int], text: str) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = parts.add_parser(
            name, parents=[common], help=text, description=text, epilog=epilog
        )
        made.set_defaults(run=run)
        return made

    sender = command(
        "run", run, "send what is in the outbox, logged in as a member of asymm_sender; secrets and addresses"
        " of its own are variables ASYMMETRICA_ALERT_…",
    )  # fmt: skip
    sender.add_argument(
        "--hosts", metavar="HOST[:PORT],…",
        help="send to these only, whatever the database says (default: $ASYMMETRICA_ALERT_HOSTS, else any)",
    )  # fmt: skip
    sender.add_argument(
        "--every", type=float, default=1.0, metavar="SECONDS", help="how often to look (%(default)s)"
    )
    sender.add_argument(
        "--lease", type=float, default=60.0, metavar="SECONDS",
        help="what a sender took and did not answer for is another's after so long (%(default)s)",
    )  # fmt: skip
    sender.add_argument(
        "--side-by-side", type=int, default=4, metavar="N", help="send to so many at once (%(default)s)"
    )
    sender.add_argument("--once", action="store_true", help="end when nothing is due")
    command(
        "status", status, "show open alerts and how destinations do; exits 1 if there are any, or one fails"
    )


def within(name: str, value: float, least: float, most: float) -> None:
    """Refuse a number that makes no sense."""
    if not least <= value <= most:
        raise UsageError(f"--{name} {value:g} is out of range", hint=f"{least:g} to {most:g}")


def run(dsn: str, arguments: argparse.Namespace, out: Output) -> int:
    """Send until SIGTERM or SIGINT; what was begun is ended."""
    try:
        import urllib3  # noqa: F401
    except ImportError:
        raise UsageError(
            "alerts need the package urllib3", hint="pip install 'asymmetrica[alerts]'"
        ) from None
    from ..alerts.message import Environment
    from ..alerts.sender import SHORTEST_LEASE, Sender

    within("every", arguments.every, 0.05, 3600)
    within("lease", arguments.lease, SHORTEST_LEASE, 3600)
    within("side-by-side", arguments.side_by_side, 1, 64)
    said = arguments.hosts or os.environ.get("ASYMMETRICA_ALERT_HOSTS", "")
    hosts = frozenset(host.strip().lower() for host in said.split(",") if host.strip())
    sender = Sender(
        dsn,
        environment=Environment(hosts=hosts),
        lease=arguments.lease,
        every=arguments.every,
        side_by_side=arguments.side_by_side,
        tell=Teller(out),
    )
    former = {number: signal.signal(number, sender.stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        sender.run(once=arguments.once)
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
    return 0


def status(dsn: str, _: argparse.Namespace, out: Output) -> int:
    """Show what is open, and where it goes."""
    with connect(dsn) as db:
        alerts, destinations = db.alerts(), db.alert_destinations()
    if out.json:
        out.document({"alerts": [*map(_fields, alerts)], "destinations": [*map(_fields, destinations)]})
    else:
        out.rows(alerts, ("id", "severity", "about", "seen", "opened_at", "sent", "waiting", "dead"),
                 empty="no alert is open")  # fmt: skip
        out.rows(destinations, ("name", "kind", "state", "error", "sent", "waiting", "dead", "last_sent_at"),
                 empty="alerts go nowhere: asymm.set_alert_destination()")  # fmt: skip
    return int(bool(alerts) or any(row.state == "failing" or row.dead for row in destinations))


def _fields(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in type(row).__slots__}
