"""The command `top`: the console in a terminal, or its tables printed once."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from .exchange import UsageError
from .output import Output, console

TABS = ("pulse", "drift", "advice", "queries", "mirror", "actions")


def add(actions: Any, common: argparse.ArgumentParser, epilog: str) -> None:
    """Add `top` to the command line."""
    text = "watch it live in a terminal: health, drift, advice, queries, mirror, actions; keys decide"
    made = actions.add_parser("top", parents=[common], help=text, description=text, epilog=epilog)
    made.set_defaults(run=top)
    made.add_argument("--tab", choices=TABS, help="begin with this one; with --once, only this one")
    made.add_argument(
        "--once", action="store_true",
        help="print it once and end; exits 1 if anything drifted, or if the verdict is warning or critical",
    )  # fmt: skip


def top(dsn: str, arguments: argparse.Namespace, out: Output) -> int:
    """Run the console, or print it once."""
    if arguments.json and not arguments.once:
        raise UsageError("--json goes with --once", hint="asymmetrica top --once --json")
    number = TABS.index(arguments.tab) if arguments.tab else None
    if arguments.once:
        from ..top.once import print_once

        code, document = print_once(dsn, tab=number, json=out.json, console=console())
        if out.json:
            out.document(document)
        return code
    if not all(
        stream is not None and stream.isatty() for stream in (sys.__stdin__, sys.__stdout__, sys.__stderr__)
    ):
        raise UsageError("this is no terminal", hint="asymmetrica top --once prints it")
    try:
        import textual  # noqa: F401
    except ImportError:
        raise UsageError(
            "the console needs the package textual", hint="pip install 'asymmetrica[top]'"
        ) from None
    from ..top.run import run_top

    return run_top(dsn, tab=number or 0)
