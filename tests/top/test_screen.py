"""What stands on the screen: every tab at two sizes, hostile names, lost connections, silence."""

from __future__ import annotations

import time
import unicodedata

import pytest
from conftest import MakeServer
from hypothesis import given
from hypothesis import strategies as st
from psycopg.sql import SQL, Identifier
from rich.cells import cell_len

from asymmetrica.eyes import Reader
from asymmetrica.top.columns import COLUMNS, Column
from asymmetrica.top.feed import Feed, Seen
from asymmetrica.top.layout import PADDING, cut, place
from asymmetrica.top.lines import vitals_line
from asymmetrica.top.palette import DARK, LIGHT, ROLES, Palette
from asymmetrica.top.tabs import KEYS, TABS
from asymmetrica.top.words import Kind, clean, show
from support import database
from support.database import Database
from support.pulse import Loop, make_actor, make_table

from .conftest import Screen, shown

HOSTILE = (
    "<b>[red]x", "[/][@click=app.quit]q[/]", "\x1b[31mred\x1b]0;title\x07", "two\nlines\r\t", "n" * 63,
    "\u202eשלמה\u2066", "日本語の表", "a\u0301\u200b\x7f\x9b2J",
)  # fmt: skip


async def test_names_of_strangers_are_text(db: Database) -> None:
    db.sql("SELECT asymm.watch_schema('public')")
    for name in HOSTILE:
        db.own.execute(SQL("CREATE TABLE {} (id int)").format(Identifier(name)))
    db.own.execute(SQL("COMMENT ON TABLE {} IS {}").format(Identifier(HOSTILE[0]), "[bold]\x1b[5m"))
    db.sql("SELECT asymm.beat()")
    async with shown(db.dsn, size=(200, 50), tab=1) as screen:
        await screen.until(
            "<b>[red]x", "[/][@click=app.quit]q[/]", "\\x1b[31mred\\x1b]0;title\\x07", "two\\nlines\\r\\t"
        )
        await screen.until("日本語の表", "\\u202e", "שלמה", "\\u2066", "\\u200b\\x7f\\x9b2J", "n" * 40)
        seen = [screen.text]
        await screen.press("slash")
        await screen.type("red] table")
        await screen.press("enter")
        await screen.until("1 with", without="日本語の表")
        for key, words in (("enter", "History of"), ("h", "y do it"), ("a", "y do it")):
            await screen.press(key)
            await screen.until(words, "<b>[red]x")
            seen.append(screen.text)
            await screen.press("escape")
        await screen.press("escape")
        await screen.until("日本語の表")
        for key in "126v":
            await screen.press(key)
            seen.append(await screen.until("[" + key.replace("v", "6")))
        for text in seen:
            assert not [
                sign for sign in text if sign != "\n" and unicodedata.category(sign) in ("Cc", "Cf", "Cs")
            ]
        assert {len(seen[0].splitlines())} == {50}


async def test_every_table_fits_its_screen(db: Database) -> None:
    actor, owner = make_actor(db)
    make_table(db, owner)
    loop = Loop(db, actor, "60 s").wait_for_beats()
    db.sql("ALTER TABLE app.item ADD COLUMN odd text")
    async with shown(db.dsn) as screen:
        await screen.until(
            "beat 0.", "/s", "[1 Pulse]", "Health", "Server", "sessions", "q quit", "1 watched"
        )
        for number, tab in enumerate(TABS, 1):
            await screen.press(str(number))
            for tile in tab.tiles:
                await screen.when(lambda tile=tile: tile in screen.app.feed.seen, tile)  # type: ignore[misc]
                seen = screen.app.feed.seen[tile]
                assert seen.error is None, seen.error
                await fits(screen, number, tile)
                # Columns that are named here are there, and rows can be told apart.
                assert {one.name for one in COLUMNS[tile] if one.of is None} <= set(seen.columns)
                assert set(KEYS[tile]) <= set(seen.columns)
                assert len(set(screen.app.grid.drawn.keys)) == len(seen.rows)
                await screen.press("v" if len(tab.tiles) > 1 else "s")
        await screen.press("e")
        await screen.until("the SQL", "FROM asymm.actions")
        await screen.press("escape")
        few = len(screen.app.grid.drawn.columns)
        for size in ((200, 50), (40, 10)):
            await screen.pilot.resize_terminal(*size)
            for number, tab in enumerate(TABS, 1):
                await screen.press(str(number))
                await fits(screen, number, tab.tiles[0])
            assert (len(screen.app.grid.drawn.columns) > few) == (size[0] > 80)
    db.sql("SELECT asymm.stop()")
    loop.join()


async def fits(screen: Screen, number: int, tile: str) -> None:
    """Fail unless a table stands on the screen, every line of it as wide as the screen."""
    assert screen.app.tile == tile
    await screen.until(screen.app.feed.tiles[tile].title[:12], f"[{number} ", without="reading")
    assert {cell_len(line) for line in screen.lines} == {screen.app.size.width}
    assert len(screen.lines) == screen.app.size.height
    assert screen.app.grid.virtual_size.width <= screen.app.size.width


async def test_sorting_and_colours(db: Database) -> None:
    for name in ("a_small", "b_large", "c_middle"):
        db.sql(f"CREATE TABLE {name} (t text)")
    db.sql("INSERT INTO b_large SELECT repeat('x', 1000) FROM generate_series(1, 900)")
    db.sql("INSERT INTO c_middle SELECT repeat('x', 1000) FROM generate_series(1, 100)")
    async with shown(db.dsn, tab=3) as screen:
        await screen.press("v", "v")
        await screen.until("public.b_large", "public.c_middle")
        names = [row["object"] for row in screen.app.grid.rows_shown]
        assert names == ["public.b_large", "public.c_middle", "public.a_small"]
        await screen.press("down", "s")
        assert "table ▲" in screen.text
        assert screen.app.grid.rows_shown[0]["object"] == "public.a_small"
        # The cursor is on the row it was on.
        current = screen.app.grid.current()
        assert current is not None
        assert current["object"] == "public.c_middle"
        await screen.press("S")
        assert screen.app.grid.rows_shown[0]["object"] == "public.c_middle"
        await screen.press("t")
        assert screen.app.theme == LIGHT.name


async def test_a_restart_and_a_silent_pulse_are_survived_and_said(own_server: MakeServer) -> None:
    server = own_server()
    db = database.create(server)
    db.sql("CREATE EXTENSION asymmetrica")
    actor, owner = make_actor(db)
    make_table(db, owner, "propose")
    Loop(db, actor, "20 s").wait_for_beats()
    async with shown(db.dsn, tab=1) as screen:
        await screen.until("beat 0.", "1 watched")
        db.sql("CHECKPOINT")  # beats commit without waiting for the disk
        db.close()
        server.stop("immediate")
        await screen.until("NO CONNECTION", "connection lost, trying again in", "tried ")
        await screen.press("a", "h")
        await screen.until("there is no connection")
        server.start()
        # Nobody started the loop again.
        await screen.until("no beat for ", "CRITICAL", without="NO CONNECTION")
        db.sql("ALTER TABLE app.item ADD COLUMN late text")
        db.sql("SELECT asymm.beat()")
        await screen.until("app.item", "column late")
        # What listens may go alone.
        db.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%%'")
        db.sql("ALTER TABLE app.item ADD COLUMN later text")
        db.sql("SELECT asymm.beat()")
        await screen.until("column later", without="NO CONNECTION")
        db.close()


async def test_a_tile_that_cannot_be_read_says_why(db: Database) -> None:
    async with Reader(db.dsn) as reader:
        known = set(await reader.tiles())
    assert {tile for tab in TABS for tile in tab.tiles} <= known
    # An older extension has fewer.
    db.sql("ALTER VIEW asymm.tiles RENAME TO tiles_now")
    db.sql("CREATE VIEW asymm.tiles AS SELECT * FROM asymm.tiles_now WHERE tile <> 'drift'")
    db.sql("GRANT SELECT ON asymm.tiles TO asymm_reader")
    db.sql("REVOKE SELECT ON asymm.actions FROM asymm_reader")
    reader_role = db.role("reader", member_of=("asymm_reader",))
    async with shown(db.dsn_of(reader_role), tab=1) as screen:
        await screen.until('knows no tile "drift"', "ALTER EXTENSION asymmetrica UPDATE")
        await screen.press("6")
        await screen.until("cannot be read [42501]", "permission denied for view actions")


@pytest.mark.parametrize(
    ("beat_age", "read_before", "says"),
    [
        (0.1, 0.0, "beat 0.1 s ago"),
        (0.1, 20.0, "read 20 s ago"),
        (4.0, 20.0, "no beat for 24 s"),
        (None, 0.0, "no beat yet"),
    ],
)
def test_what_was_not_read_is_no_silence(beat_age: float | None, read_before: float, says: str) -> None:
    row = {"beat_age": beat_age, "rate": 4.9, "drifted": 1, "watched": 2, "database": "x"}
    seen = Seen((row,), tuple(row), time.monotonic() - read_before)
    line = vitals_line(Feed(Reader(""), seen={"vitals": seen}), DARK, 80).plain
    assert says in line
    assert "1 difference · 2 watched" in line


@given(st.text(max_size=30), st.booleans())
def test_whatever_is_shown_can_be_seen(text: str, lines: bool) -> None:
    shown_text = clean(text, lines=lines).replace("\n" if lines else "\x00", "")
    assert shown_text.isprintable()
    if text.isprintable():
        assert shown_text == text
    assert cell_len(cut(shown_text, 7)) <= 7


@given(
    st.lists(st.lists(st.text(max_size=70), min_size=9, max_size=9), max_size=4),
    st.integers(20, 250),
    st.permutations(range(9)),
)
def test_columns_fit_and_the_most_important_stay(rows: list[list[str]], width: int, ranks: list[int]) -> None:
    columns = [
        Column(str(rank), f"head{rank}", "text" if rank % 2 else "number", rank, 6 + rank) for rank in ranks
    ]
    said = [[show("text", text)[:40] for text in row] for row in rows]
    placed = place(columns, said, width)
    assert placed
    assert len(placed) == 1 or sum(one.width + PADDING for one in placed) <= width
    assert 0 in {one.column.rank for one in placed}


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=lambda palette: palette.name)
def test_every_colour_is_readable(palette: Palette) -> None:
    roles = {*ROLES.values(), "text", "muted", "accent"}
    for role in roles:
        for ground in (palette.ground, palette.panel):
            assert contrast(getattr(palette, role), ground) >= 4.5, (role, ground)


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours as WCAG 2 has it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("bytes", 123, "123 B"), ("bytes", 5 << 30, "5,120 MB"), ("ms", 0.4512, "0.451 ms"),
        ("ms", 1234, "1.2 s"), ("seconds", 0, "0 s"), ("seconds", 90000, "25 h"), ("share", 0.993, "99.3 %"),
        ("share", 1, "100 %"), ("share", 0.034, "3.4 %"), ("number", 1234567, "1,234,567"),
        ("number", 4.909, "4.91"), ("score", 0.5, "0.50"), ("hour", 90000, "90 s/h"),
        ("time", "infinity", "infinity"), ("text", None, ""), ("text", ["a", "b"], "a, b"),
        ("text", {"a": [1]}, '{"a": [1]}'), ("state", True, "yes"), ("number", "NaN", "NaN"),
    ],
)  # fmt: skip
def test_values_in_words(kind: Kind, value: object, text: str) -> None:
    assert show(kind, value) == text
