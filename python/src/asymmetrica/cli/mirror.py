"""The mirror's commands: run its worker, show how it is, compare Redis with the tables."""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import find_spec
from typing import Any

from .. import _sql
from .._database_sync import connect
from .events import telling
from .exchange import UsageError
from .output import Output


@dataclass(frozen=True, slots=True)
class Mirrored:
    """What mirror status shows of a table."""

    object: str
    state: str
    epoch: int | None
    rows: int | None
    format: str
    lag_bytes: int | None
    lag: timedelta | None
    error: str | None


def add(actions: Any, common: argparse.ArgumentParser, epilog: str) -> None:
    """Add `mirror run`, `mirror status` and `mirror verify` to the command line."""
    text = "keep Redis equal to the tables declared by asymm.mirror()"
    parts = actions.add_parser("mirror", help=text, description=text, epilog=epilog).add_subparsers(
        metavar="what", required=True
    )

    def command(name: str, run: Callable[..., int], text: str, redis: bool) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = parts.add_parser(
            name, parents=[common], help=text, description=text, epilog=epilog
        )
        made.set_defaults(run=run)
        if redis:
            made.add_argument("--redis", metavar="URL", help="Redis (default: $ASYMMETRICA_REDIS)")
            made.add_argument("--prefix", default="asymm", help="what its keys start with (%(default)s)")
        return made

    worker = command("run", run, "run the worker, logged in as asymm.create_mirror_login() made it", True)
    worker.add_argument(
        "--lease", type=float, default=10.0, metavar="SECONDS",
        help="a worker that hangs so long loses the lead to one that stands by (%(default)s)",
    )  # fmt: skip
    worker.add_argument(
        "--metrics", type=place, metavar="[HOST:]PORT",
        help="answer Prometheus at http://HOST:PORT/metrics; without a HOST only to this machine",
    )  # fmt: skip
    command("status", status, "show the mirrored tables; exits 1 if one of them is not live", False)
    command("verify", verify, "compare Redis with the tables row by row; exits 1 if they differ", True)


def url(arguments: argparse.Namespace) -> str:
    """Return where Redis is; a password is better kept in the environment than in a command."""
    found = arguments.redis or os.environ.get("ASYMMETRICA_REDIS")
    if not found:
        raise UsageError("where is Redis?", hint="--redis redis://user@host:6379/0, or $ASYMMETRICA_REDIS")
    return str(found)


def load() -> None:
    """Refuse when what the mirror needs is not installed."""
    try:
        import hiredis  # noqa: F401
        import redis  # noqa: F401
    except ImportError:
        raise UsageError(
            "the mirror needs the packages redis and hiredis", hint="pip install 'asymmetrica[mirror]'"
        ) from None


def run(dsn: str, arguments: argparse.Namespace, out: Output) -> int:
    """Run the worker until SIGTERM or SIGINT."""
    redis_url = url(arguments)
    if not 3 <= arguments.lease <= 3600:
        raise UsageError(f"--lease {arguments.lease:g} is out of range", hint="3 to 3600 seconds")
    load()
    if arguments.metrics is not None and find_spec("prometheus_client") is None:
        raise UsageError("--metrics needs the package prometheus-client",
                         hint="pip install 'asymmetrica[metrics]'")  # fmt: skip
    from ..mirror.metrics import Endpoint, Metrics
    from ..mirror.worker import Stop, Worker

    stop, metrics = Stop(), Metrics()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop.set)
    # Rows come and go by the thousand and hold no cycles: what looks for those would cost more than they do.
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    with contextlib.ExitStack() as stack:
        tell = stack.enter_context(telling(out))
        if arguments.metrics is not None:
            stack.callback(Endpoint(metrics, *arguments.metrics).close)
        Worker(
            dsn,
            redis_url,
            prefix=arguments.prefix,
            lease=arguments.lease,
            stop=stop,
            tell=tell,
            metrics=metrics,
        ).run()
    return 0


def place(text: str) -> tuple[str, int]:
    """Read [HOST:]PORT; who only says a port means this machine."""
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdecimal()) or not 0 < int(port) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not [HOST:]PORT")
    return host.strip("[]") or "127.0.0.1", int(port)


def status(dsn: str, _: argparse.Namespace, out: Output) -> int:
    """Show what is mirrored."""
    with connect(dsn) as db:
        rows = db._session.rows(Mirrored, _sql.MIRROR_STATUS)
    out.rows(rows, empty="nothing is mirrored")
    return int(any(row.state != "live" for row in rows))


def verify(dsn: str, arguments: argparse.Namespace, out: Output) -> int:
    """Compare."""
    redis_url = url(arguments)
    load()
    from ..mirror.verify import Verifier

    seen = 0

    def tell(difference: Any) -> None:
        nonlocal seen
        seen += 1
        if out.json:
            out.event(difference)
        else:
            out.line(f"{difference['table']} {difference['key']}: {difference['what']}")

    verifier = Verifier(dsn, redis_url, prefix=arguments.prefix, tell=tell)
    for table, rows in verifier.run():
        if out.json:
            out.event({"table": table, "rows": rows})
        else:
            out.line(f"{table}: {rows} rows compared")
    return int(seen > 0)
