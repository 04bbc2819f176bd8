"""The command dashboard: a live page in the browser."""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import stat
import sys
from collections.abc import Callable
from pathlib import Path

from ..errors import ConnectionFailed
from .exchange import UsageError
from .output import Output

VARIABLE = "ASYMMETRICA_DASHBOARD_TOKEN"
SHORTEST = 16  # characters of a token

Command = Callable[[str, Callable[..., int], str], argparse.ArgumentParser]


def add(command: Command) -> None:
    """Add `dashboard` to the command line."""
    made = command(
        "dashboard", run, "serve a live page, on this machine only and only to look unless told otherwise;"
        f" its token is ${VARIABLE}, the file of --token-file, or made anew and shown",
    )  # fmt: skip
    made.add_argument("--host", default="127.0.0.1", help="address to listen at (%(default)s)")
    made.add_argument("--port", type=int, default=8765, help="0: any that is free (%(default)s)")
    made.add_argument(
        "--name", action="append", default=[], metavar="HOST", help="a host name by which the page is reached"
    )
    made.add_argument(
        "--allow-actions", action="store_true",
        help="whoever has the token may approve, reject, revert and heal, with the rights of the login",
    )  # fmt: skip
    made.add_argument("--allow-superuser", action="store_true", help="also if the login is a superuser")
    made.add_argument("--token-file", metavar="FILE", help="holds the token; nobody else may read it")
    made.add_argument("--certfile", metavar="FILE", help="TLS: certificate and its chain, PEM")
    made.add_argument("--keyfile", metavar="FILE", help="TLS: key, PEM")
    made.add_argument(
        "--without-tls", action="store_true",
        help="listen elsewhere than on this machine's loopback without TLS: something in front has it",
    )  # fmt: skip


def token_of(arguments: argparse.Namespace) -> str | None:
    """Return the token that was given, None if none was."""
    if arguments.token_file:
        path = Path(arguments.token_file)
        try:
            mode = path.stat().st_mode
            token = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            raise UsageError(f"the token's file can't be read: {reason}") from None
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise UsageError("others may read the token's file", hint=f"chmod 600 {path}")
    else:
        token = os.environ.get(VARIABLE, "").strip()
        if not token:
            return None
    if len(token) < SHORTEST or not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError(
            f"the token has to be {SHORTEST} ASCII characters or more, without blanks",
            hint="python3 -c 'import secrets; print(secrets.token_urlsafe(32))'",
        )
    return token


def run(dsn: str, arguments: argparse.Namespace, out: Output) -> int:
    """Serve until SIGTERM or SIGINT."""
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError:
        raise UsageError(
            "the dashboard needs the packages starlette and uvicorn",
            hint="pip install 'asymmetrica[dashboard]'",
        ) from None
    from ..dashboard.guard import is_loopback
    from ..dashboard.server import Options, listen, serve

    given, loopback = token_of(arguments), is_loopback(arguments.host)
    if bool(arguments.certfile) != bool(arguments.keyfile):
        raise UsageError("--certfile and --keyfile go together")
    if not loopback and given is None:
        raise UsageError(
            "elsewhere than on this machine's loopback a token is needed",
            hint=f"set ${VARIABLE}, or --token-file",
        )
    if not loopback and not arguments.certfile and not arguments.without_tls:
        raise UsageError(
            "elsewhere than on this machine's loopback the token would travel in clear",
            hint="--certfile and --keyfile, or --without-tls behind something that has TLS",
        )
    if not 0 <= arguments.port <= 65535:
        raise UsageError(f"--port {arguments.port} is out of range", hint="0 to 65535")
    options = Options(
        token=given or secrets.token_urlsafe(32),
        host=arguments.host,
        port=arguments.port,
        allow_actions=arguments.allow_actions,
        allow_superuser=arguments.allow_superuser,
        names=frozenset(name.lower() for name in arguments.name),
        loopback=loopback,
        certfile=arguments.certfile,
        keyfile=arguments.keyfile,
    )
    warn(dsn, options.allow_actions and not options.allow_superuser)
    try:
        listening = listen(options.host, options.port)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{options.host}:{options.port} can't be listened at: {reason}") from None
    host = f"[{options.host}]" if ":" in options.host else options.host
    scheme = "https" if options.certfile else "http"
    url = f"{scheme}://{host}:{listening.getsockname()[1]}/"

    def ready() -> None:
        # A token of our own is shown to the person who started this, and to no log.
        shown = options.allow_actions and given is None and sys.stdout.isatty()
        if out.json:
            out.event({"event": "listening", "url": url})
        else:
            print(url + (f"#token={options.token}" if shown else ""), flush=True)
            if options.allow_actions and given is None and not shown:
                print(f"to act, set ${VARIABLE}: a token is shown on terminals only", flush=True)

    serve(dsn, options, listening, ready)
    return 0


def warn(dsn: str, acts: bool) -> None:
    """Say on standard error what is odd about the login; a server that is not there yet is waited for."""
    from ..eyes.reader import Reader, Viewer

    async def who() -> Viewer:
        async with Reader(dsn) as reader:
            return await reader.viewer()

    try:
        viewer = asyncio.run(who())
    except ConnectionFailed as error:
        print(f"warning: no connection yet: {error.message}", file=sys.stderr)
        return
    if viewer.superuser:
        left = " and decides nothing (--allow-superuser)" if acts else ""
        print(f"warning: the login is a superuser{left}: use a member of asymm_reader", file=sys.stderr)
    elif acts and not viewer.operator:
        print("warning: the login is no asymm_operator: it may decide nothing", file=sys.stderr)
