"""The tabs, the tiles each of them shows, and what makes a row the same row."""

from __future__ import annotations

from dataclasses import dataclass

from .columns import Row


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab: its name and the tiles one leafs through."""

    name: str
    tiles: tuple[str, ...]


TABS = (
    Tab("Pulse", ("findings", "health_terms", "loops", "organs", "alerts", "doctor", "promises",
                  "fleet_members")),
    Tab("Drift", ("drift",)),
    Tab("Advice", ("advice",)),
    Tab("Queries", ("queries", "latency", "tables", "lock_waits")),
    Tab("Mirror", ("mirror", "mirror_reads")),
    Tab("Actions", ("actions",)),
)  # fmt: skip
# What the lines above the table need; `database` is on the first tab only.
ALWAYS = ("vitals", "verdict")

# What makes a row the same row the next time.
KEYS = {
    "drift": ("id",), "actions": ("id",), "advice": ("action",), "queries": ("query",), "latency": ("query",),
    "tables": ("object",), "findings": ("id",), "alerts": ("id",), "organs": ("name",),
    "loops": ("actor", "lane"), "mirror": ("id",), "mirror_reads": ("schema_name", "table_name"),
    "fleet_members": ("name",), "doctor": ("check_name",), "promises": ("promise",),
    "health_terms": ("term",), "lock_waits": ("pid",),
}  # fmt: skip

# What stands where a table has no rows.
EMPTY = {
    "drift": "no drift: everything that is watched is as declared",
    "actions": "the ledger is empty: nothing was ever proposed or done",
    "advice": "no advice yet: asymm.advise() looks now, asymm.autopilot('propose') keeps looking",
    "queries": "no statement is known yet: the organ looks at pg_stat_statements every few minutes",
    "latency": "no latency is known yet",
    "lock_waits": "nobody waits for a lock",
    "mirror": "no table is mirrored: SELECT * FROM asymm.mirror('schema.table')",
    "mirror_reads": "no copy was read yet",
    "findings": "the sonars find nothing wrong",
    "alerts": "no alert was raised",
    "loops": "no loop ever ran: asymmetrica start, or asymmetrica pulse",
    "fleet_members": "no other database reported: asymmetrica fleet NAME=DSN …",
}


def key_of(tile: str, row: Row, place: int) -> str:
    """Return what names a row, so that the cursor stays on it."""
    names = KEYS.get(tile)
    return str(place) if names is None else "\x00".join(str(row.get(name)) for name in names)
