"""Entry point: parse, run, and turn every failure into a message without secrets and an exit code."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

from psycopg.conninfo import make_conninfo

from .._redact import redact, secrets_of
from ..errors import AsymmetricaError, ConnectionFailed
from .arguments import parser
from .output import Output

FOUND, USAGE, NO_CONNECTION, REFUSED, INTERRUPTED = 1, 2, 3, 4, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, io.TextIOWrapper
        ):  # a terminal that can't show a sign gets another in its place
            stream.reconfigure(errors="replace")
    arguments = parser().parse_args(argv)
    dsn = conninfo(arguments.dsn)
    out = Output(json=arguments.json)
    try:
        return int(arguments.run(dsn, arguments, out))
    except ConnectionFailed as error:
        out.error(error)
        return NO_CONNECTION
    except AsymmetricaError as error:
        out.error(error)
        return REFUSED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (head, say) went away: that is no failure, but nothing more can be printed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # the last net: whatever it is, its text must not show a password
        out.error(AsymmetricaError(f"{type(error).__name__}: {redact(str(error), secrets_of(dsn))}"))
        return REFUSED


def conninfo(given: str | None) -> str:
    """Return the connection string: --dsn, else ASYMMETRICA_DSN, else '' (the PG* variables).

    As with psql, a plain word is the name of a database; it may hold blanks.
    """
    dsn = given if given is not None else os.environ.get("ASYMMETRICA_DSN", "")
    if dsn and "=" not in dsn and not dsn.startswith(("postgresql://", "postgres://")):
        return make_conninfo("", dbname=dsn)
    return dsn
