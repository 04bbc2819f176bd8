"""Entry point: parse, run, and turn every failure into a message without secrets and an exit code."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from .._redact import redact, secrets_of
from ..errors import AsymmetricaError, ConnectionFailed
from .arguments import parser
from .exchange import UsageError, conninfo
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
    except UsageError as error:
        out.error(error)
        return USAGE
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
        out.error(AsymmetricaError(f"{type(error).__name__}: {redact(str(error), secrets(dsn, arguments))}"))
        return REFUSED


def secrets(dsn: str, arguments: argparse.Namespace) -> tuple[str, ...]:
    """Return the secrets of every connection string on the command line."""
    said: list[object] = [dsn]
    for given in vars(arguments).values():
        said += given if isinstance(given, list) else [given]
    return tuple(secret for text in said if isinstance(text, str) for secret in secrets_of(text))
