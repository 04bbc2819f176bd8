#!/usr/bin/env python3
"""Generate the synchronous modules from the asynchronous ones.

`x_async.py` becomes `x_sync.py`: the words async and await go, names change by the table below, comments
stay, and ruff formats the result. `--check` writes nothing and exits 1 if a module is not what would be
generated.
"""

from __future__ import annotations

import argparse
import io
import itertools
import re
import subprocess
import sys
import tokenize
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "src" / "asymmetrica"
HEADER = "# Generated from {source} by tools/async_to_sync.py: change that, not this.\n"

NAMES = {
    "AbstractAsyncContextManager": "AbstractContextManager",
    "AsyncConnection": "Connection",
    "AsyncCursor": "Cursor",
    "AsyncIterator": "Iterator",
    "StopAsyncIteration": "StopIteration",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "asynccontextmanager": "contextmanager",
    "asyncio": "time",
}


def rename(name: str) -> str:
    """Return what a name is called in synchronous code."""
    if name in NAMES:
        return NAMES[name]
    return re.sub(r"_async$", "_sync" if name.startswith("_") else "", re.sub(r"^Async(?=[A-Z])", "", name))


def convert(source: str) -> str:
    """Return synchronous source: tokens are dropped or renamed in place, so comments and layout stay."""
    lines = source.splitlines(keepends=True)
    edits: list[tuple[int, int, int, str]] = []
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    for token, following in itertools.pairwise(tokens):
        (row, start), (end_row, end) = token.start, token.end
        if token.type == tokenize.NAME and token.string in ("async", "await"):
            edits.append((row, start, following.start[1], ""))
        elif token.type == tokenize.NAME and rename(token.string) != token.string:
            edits.append((row, start, end, rename(token.string)))
        elif token.type in (tokenize.STRING, tokenize.COMMENT):
            for line in range(row, end_row + 1):
                first = start if line == row else 0
                last = end if line == end_row else len(lines[line - 1])
                text = lines[line - 1][first:last]
                changed = re.sub(r"\b\w+\b", lambda word: rename(word[0]), text)
                if changed != text:
                    edits.append((line, first, last, changed))
    for number, first, last, new in sorted(edits, reverse=True):
        old = lines[number - 1]
        lines[number - 1] = old[:first] + new + old[last:]
    return "".join(lines)


def generate(path: Path) -> str:
    """Return the text of the synchronous module made from one asynchronous module."""
    text = HEADER.format(source=path.name) + convert(path.read_text(encoding="utf-8"))
    for command in (["check", "--select", "I", "--fix", "--quiet"], ["format", "--quiet"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(path), "-"],
            input=text, capture_output=True, text=True, check=True, cwd=PACKAGE,
        )  # fmt: skip
        text = done.stdout
    return text


def main() -> int:
    """Generate or check every module; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 if something is out of date"
    )
    check = parser.parse_args().check
    stale = 0
    for path in sorted(PACKAGE.rglob("*_async.py")):
        target = path.with_name(path.name.replace("_async.py", "_sync.py"))
        text = generate(path)
        if target.exists() and target.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        print(f"{target.name} {'is out of date' if check else 'generated'}")
        if not check:
            target.write_text(text, encoding="utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
