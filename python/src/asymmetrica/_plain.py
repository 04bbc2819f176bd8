"""What JSON can say of values of the database and of the driver."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any


def plain(value: Any) -> Any:
    """Return what JSON can say of a value: times as ISO 8601, intervals in seconds."""
    conversions: list[tuple[type | tuple[type, ...], Callable[[Any], Any]]] = [
        ((datetime, date), lambda it: it.isoformat()),
        (timedelta, lambda it: it.total_seconds()),
        (Decimal, float),
        ((ipaddress.IPv4Address, ipaddress.IPv6Address), str),
        (Iterable, list),
    ]
    for kinds, convert in conversions:
        if isinstance(value, kinds):
            return convert(value)
    return str(value)


def inline(value: Any) -> str:
    """Return a value in one line."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False)
