"""The dashboards, in the order in which one looks closer: health, database, queries, tables, drift and
actions, mirror."""

from __future__ import annotations

from collections.abc import Iterator

from ..board import Board
from . import database, drift, health, mirror, queries, tables

_ALL = (health, database, queries, tables, drift, mirror)

__all__ = ["texts"]


def texts() -> Iterator[tuple[str, str]]:
    """Make every dashboard anew: its file name and its JSON."""
    titles = [(made.NAME, made.TITLE) for made in _ALL]
    for number, made in enumerate(_ALL, 1):
        board = Board(made.NAME, made.TITLE, made.ABOUT, refresh=made.REFRESH)
        made.fill(board)
        board.linked(titles)
        yield f"{number}-{made.NAME}.json", board.text()
