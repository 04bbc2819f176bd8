"""The keys: what they call, what the last line says of them, and what help says."""

from __future__ import annotations

from typing import Final

from textual.binding import Binding, BindingType

from .act import VERBS
from .tabs import TABS

BINDINGS: Final[list[BindingType]] = [
    *(Binding(str(number), f"tab({number - 1})", show=False) for number in range(1, len(TABS) + 1)),
    *(Binding(key, f"decide('{verb}')", show=False) for key, verb in VERBS.items()),
    Binding("v", "view(1)", show=False),
    Binding("V", "view(-1)", show=False),
    Binding("slash", "filter", show=False),
    Binding("s", "sort", show=False),
    Binding("S", "reverse", show=False),
    Binding("e", "sql", show=False),
    Binding("t", "colours", show=False),
    Binding("question_mark,f1", "help", show=False),
    Binding("escape", "forget", show=False),
    Binding("q", "leave", show=False),
    Binding("ctrl+z", "suspend_process", show=False),
    Binding("ctrl+c,ctrl+q", "interrupt", show=False, priority=True),
]

KEYS = (
    ("a", "approve"), ("x", "reject"), ("r", "revert"), ("h", "heal"), ("v", "next"), ("/", "filter"),
    ("s", "sort"), ("⏎", "row"), ("e", "SQL"), ("?", "help"), ("q", "quit"),
)  # fmt: skip
# What goes first where there is no room; help tells of all.
SPARE = ("e", "s", "⏎", "r")
DECIDING = ("a", "x", "r", "h")

HELP = (
    ("1 … 6, Tab, ← →", "tabs"),
    ("v, V", "next table of the tab, the one before"),
    ("↑ ↓ PgUp PgDn Home End", "rows (j k g G too)"),
    ("Enter", "the whole row and its history"),
    ("/", "filter: rows with all of these words; Esc shows all"),
    ("s, S", "sort by the next column; turn the order round"),
    ("e", "the SQL behind the table, to run in psql"),
    ("a", "approve the action of the row"),
    ("x", "reject it, with a reason"),
    ("r", "revert it: run its inverse"),
    ("h", "heal the object of the row"),
    ("t", "light or dark"),
    ("q, Ctrl-C", "quit"),
)
