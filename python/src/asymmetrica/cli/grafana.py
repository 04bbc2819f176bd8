"""`asymmetrica grafana export`: what Grafana is provisioned with, written to a directory."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..grafana import export
from .exchange import UsageError
from .output import Output


def add(actions: Any, common: argparse.ArgumentParser, epilog: str) -> None:
    """Add `grafana export` to the command line."""
    text = "write dashboards, data source and panel for Grafana"
    parts = actions.add_parser("grafana", help=text, description=text, epilog=epilog).add_subparsers(
        metavar="what", required=True
    )
    made = parts.add_parser("export", parents=[common], help=text, description=text, epilog=epilog)
    made.add_argument("directory", metavar="DIR", help="where to; files of the same name are overwritten")
    made.set_defaults(run=run)


def run(_dsn: str, arguments: argparse.Namespace, out: Output) -> int:
    """Write the files and say which."""
    directory = Path(arguments.directory)
    try:
        written = export(directory)
    except OSError as error:
        raise UsageError(f"{directory} can't be written: {error.strerror}") from None
    if out.json:
        out.document([path.as_posix() for path in written])
    else:
        for path in written:
            out.line(path.as_posix())
    return 0
