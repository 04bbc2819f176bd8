"""Reads the payload of NOTIFY asymm_pulse. Any role can send one, so it may be anything."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from .rows import Beat


def parse(payload: str, missed: bool) -> Beat | None:
    """Return the beat a payload tells of, None if it is not one."""
    try:
        told = json.loads(payload)
        return Beat(
            seq=int(told["seq"]),
            at=datetime.fromisoformat(told["at"]) if told.get("at") else None,
            actor=_text(told.get("actor")),
            lane=_text(told.get("lane")),
            objects=tuple(str(name) for name in _list(told.get("objects"))),
            drifts=int(told.get("drifts") or 0),
            adopted=int(told.get("adopted") or 0),
            proposals=int(told.get("proposals") or 0),
            actions=tuple(_list(told.get("actions"))),
            missed=missed,
            payload=told,
        )
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
