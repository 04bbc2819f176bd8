"""Whatever changes, whoever reads how slowly, goes and comes back: all end up with the same state."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from asymmetrica.dashboard.board import Board
from asymmetrica.eyes.reader import Rows, Viewer

TILES = ("vitals", "drift", "actions")
STATES = ("up", "down", "silent")


class Reader:
    """A browser: takes an event when it pleases, and comes back with the last id it has."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.state: dict[str, Any] = {}
        self.seq: int | None = None
        self.last: str | None = None

    def take(self) -> None:
        event = self.board.event(self.seq, actions=False)
        self.seq = self.board.seq
        if event is None:
            return
        fields = dict(line.split(": ", 1) for line in event.decode().strip("\n").split("\n"))
        data = json.loads(fields["data"])
        self.last = fields["id"]
        if fields["event"] == "state":
            self.state = data
        else:
            self.state["tiles"].update(data.pop("tiles"))
            self.state.update(data)

    def come_back(self) -> None:
        self.seq = self.board.seen(self.last)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from(TILES), st.text(max_size=3)),
        st.tuples(st.just("fail"), st.sampled_from(TILES), st.text(max_size=3)),
        st.tuples(st.just("connection"), st.sampled_from(STATES), st.text(max_size=2)),
        st.tuples(st.just("catalog"), st.sets(st.sampled_from(TILES), min_size=1), st.booleans()),
        st.tuples(st.just("publish"), st.none(), st.none()),
        st.tuples(st.sampled_from(("take", "come_back")), st.integers(0, 2), st.none()),
    ),
    max_size=60,
)


@given(steps)
def test_all_end_up_with_the_same(steps: list[tuple[str, Any, Any]]) -> None:
    board = Board()
    readers = [Reader(board) for _ in range(3)]
    board.set_whole(Viewer("reader", False, False), dict.fromkeys(TILES))
    for step, what, value in steps:
        if step == "put":
            board.put(what, Rows(f"at {value}", ("text",), [(value,)]))
        elif step == "fail":
            board.put_error(what, None, value)
        elif step == "connection":
            board.set_connection(what, value)
        elif step == "catalog":
            board.set_whole(Viewer("reader", value, False), dict.fromkeys(sorted(what)))
        elif step == "publish":
            board.publish()
        elif step == "take":
            readers[what].take()
        else:
            readers[what].come_back()
    board.publish()
    fresh = Reader(board)
    for reader in (fresh, *readers):
        reader.take()
    for reader in readers:
        assert reader.state == fresh.state
        assert board.event(reader.seq, actions=False) is None
        assert board.seen(reader.last) is not None
