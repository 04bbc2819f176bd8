"""The console: keys, tabs, and what is drawn when."""

from __future__ import annotations

from typing import Any

from rich.text import Text
from textual import work
from textual.app import App, ComposeResult
from textual.widgets import DataTable, Input, Static

from ..errors import AsymmetricaError
from . import act, sheets
from .dialogs import Ask, Sheet
from .feed import Feed, Seen
from .grid import Choice, Grid
from .keys import BINDINGS
from .lines import panel, tabs_line, title_line, verdict_line, vitals_line
from .palette import DARK, LIGHT, Palette, preferred
from .style import CSS, theme
from .tabs import ALWAYS, TABS
from .words import clean

TICK = 0.25
LOW, TALL = 18, 30
INTERRUPTED = 130


class Top(App[int]):
    """The console. Ends with 0, or with 130 when it was interrupted."""

    CSS = CSS
    ENABLE_COMMAND_PALETTE = False
    TITLE = "asymmetrica"
    BINDINGS = BINDINGS

    def __init__(self, dsn: str, feed: Feed, *, tab: int = 0) -> None:
        super().__init__()
        self.dsn, self.feed, self.tab = dsn, feed, tab
        self.palette: Palette = preferred()
        self.views = [0] * len(TABS)
        self.choices: dict[str, Choice] = {}
        self.points: list[float | None] = []
        self.acting = 0
        self._warned = False
        self.feed.tell = self.show

    # Layout

    def compose(self) -> ComposeResult:
        """Lay out the lines, the table and the filter."""
        for name in ("verdict", "vitals", "tabs", "panel", "title"):
            yield Static(id=name)
        yield Static(id="empty")
        yield Grid()
        yield Input(placeholder="filter: rows with all of these words; Esc shows all", id="filter")
        yield Static(id="keys")

    def on_mount(self) -> None:
        """Begin to follow the database."""
        for palette in (DARK, LIGHT):
            self.register_theme(theme(palette))
        self.theme = self.palette.name
        self.grid.focus()
        self.follow()
        self.set_interval(TICK, self.show)
        self.set_interval(30, self.measure)
        self.measure()
        self.choose(self.tab)

    @property
    def grid(self) -> Grid:
        """Return the table."""
        return self.screen_stack[0].query_one(Grid)

    @property
    def tile(self) -> str:
        """Return the tile that is shown."""
        return TABS[self.tab].tiles[self.views[self.tab]]

    @property
    def choice(self) -> Choice:
        """Return how the tile is looked at."""
        return self.choices.setdefault(self.tile, Choice())

    # What is known

    @work(group="feed")
    async def follow(self) -> None:
        """Read what is due until the end."""
        await self.feed.run()

    @work(group="points", exclusive=True)
    async def measure(self) -> None:
        """Read the hour's health, a point a minute."""
        try:
            self.points = await self.feed.hour()
        except (AsymmetricaError, TimeoutError):
            return
        self.show()

    # Drawing

    def show(self) -> None:
        """Draw all that may have changed."""
        if not self.is_running or not self.screen_stack:
            return
        screen, width, palette = self.screen_stack[0], self.size.width, self.palette
        lines = {
            "verdict": verdict_line(self.feed, palette, width),
            "vitals": vitals_line(self.feed, palette, width),
            "tabs": tabs_line(self.feed, self.tab, palette, width),
            "title": self.title_text(),
            "keys": sheets.keys_line(act.refusal(self.feed), len(TABS[self.tab].tiles) > 1, palette, width),
        }
        # A very low screen has room for rows only.
        paneled = self.tab == 0 and self.size.height >= LOW
        if paneled:
            lines["panel"] = panel(self.feed, self.points, palette, width, tall=self.size.height >= TALL)
        for name, text in lines.items():
            line = screen.query_one(f"#{name}", Static)
            if line.content != text:
                line.update(text)
        screen.query_one("#panel").display = paneled
        self.show_rows()

    def show_rows(self) -> None:
        """Draw the table, or why there is none."""
        seen = self.feed.seen.get(self.tile, Seen())
        said = sheets.instead(self.tile, seen, self.tile in self.feed.seen, self.palette)
        self.grid.draw(self.tile, seen, self.choice, self.palette)
        if said is None and not self.grid.rows_shown:
            said = Text(" no row holds all of these words: Esc shows all", style=self.palette.muted)
        empty = self.screen_stack[0].query_one("#empty", Static)
        # The table stays where it is, empty: it has the keys.
        empty.display = said is not None
        if said is not None:
            empty.update(said)

    def title_text(self) -> Text:
        """Return the line over the table."""
        tiles, choice = TABS[self.tab].tiles, self.choice
        notes = []
        if choice.words:
            notes.append(f"{len(self.grid.rows_shown)} with “{clean(choice.words)}”")
        if choice.sort:
            notes.append(f"by {choice.sort.replace('_', ' ')} {'▼' if choice.reverse else '▲'}")
        place = f"({self.views[self.tab] + 1} of {len(tiles)}, v next)" if len(tiles) > 1 else ""
        return title_line(self.feed, self.tile, place, notes, self.palette, self.size.width)

    def on_grid_resized(self) -> None:
        """Fill the new width."""
        self.show()

    # Moving about

    def choose(self, tab: int) -> None:
        """Open a tab."""
        self.tab = tab
        self.close_filter()
        self.feed.want(*ALWAYS, *(("database",) if tab == 0 else ()), self.tile)
        self.show()

    def action_tab(self, number: int) -> None:
        """Open the tab of a number."""
        self.choose(number)

    def action_step(self, by: int) -> None:
        """Open the next tab, or the one before."""
        self.choose((self.tab + by) % len(TABS))

    def action_view(self, by: int) -> None:
        """Show the next tile of the tab."""
        self.views[self.tab] = (self.views[self.tab] + by) % len(TABS[self.tab].tiles)
        self.choose(self.tab)

    def action_sort(self) -> None:
        """Sort by the next column that is shown; after the last, as the query has it."""
        names: list[str | None] = [None, *self.grid.sortable()]
        choice = self.choice
        at = names.index(choice.sort) if choice.sort in names else 0
        choice.sort, choice.reverse = names[(at + 1) % len(names)], False
        self.show()

    def action_reverse(self) -> None:
        """Turn the order round."""
        if self.choice.sort is None:
            self.action_sort()
        self.choice.reverse = not self.choice.reverse
        self.show()

    def action_filter(self) -> None:
        """Ask for words that rows must hold."""
        line = self.screen_stack[0].query_one("#filter", Input)
        line.value = self.choice.words
        line.display = True
        line.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while it is typed."""
        if event.input.id == "filter" and event.input.display:
            self.choice.words = event.value
            self.show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter and go back to the rows."""
        if event.input.id == "filter":
            self.close_filter()

    def action_forget(self) -> None:
        """Show all rows again."""
        self.choice.words = ""
        self.close_filter()
        self.show()

    def close_filter(self) -> None:
        """Hide the line of the filter."""
        self.screen_stack[0].query_one("#filter", Input).display = False
        self.grid.focus()

    # Looking closer

    def on_data_table_row_selected(self, _: DataTable.RowSelected) -> None:
        """Show the whole row and what happened to it."""
        row = self.grid.current()
        if row is not None:
            title, body = sheets.row_text(self.tile, row, self.palette)
            tile = self.tile
            self.push_screen(Sheet(title, body, lambda: sheets.history(self.feed, tile, row, self.palette)))

    def action_sql(self) -> None:
        """Show the query behind the table."""
        tile = self.feed.tiles.get(self.tile)
        if tile is not None:
            self.push_screen(Sheet(f"{tile.title}: the SQL", sheets.sql_text(tile, self.palette)))

    def action_help(self) -> None:
        """Show what the keys do."""
        self.push_screen(Sheet("Keys", sheets.help_text(act.refusal(self.feed), self.palette)))

    def action_colours(self) -> None:
        """Change between light and dark."""
        self.palette = LIGHT if self.palette.dark else DARK
        self.theme = self.palette.name
        self.show()

    # Deciding

    def action_decide(self, verb: act.Verb) -> None:
        """Show what would run for the row, and ask."""
        why = act.refusal(self.feed)
        row = self.grid.current()
        wish: Any = why if why or row is None else act.request(verb, self.tile, row)
        if not isinstance(wish, act.Request):
            self.notify(clean(wish or "there is no row to decide on"), severity="warning", markup=False)
            return
        self.push_screen(
            Ask(
                wish.title,
                self.palette,
                lambda: act.plan(self.dsn, self.feed, wish),
                lambda reason: self.carry_out(wish, reason),
                wants_reason=verb == "reject",
            )
        )

    async def carry_out(self, wish: act.Request, reason: str | None) -> act.Outcome:
        """Do what was confirmed, and look at once what came of it."""
        self.acting += 1
        try:
            return await act.run(self.dsn, wish, reason)
        finally:
            self.acting -= 1
            self.feed.hurry()

    # Ending

    def action_leave(self) -> None:
        """End, but not in the middle of a repair without saying so."""
        if self.acting and not self._warned:
            self._warned = True
            self.notify(
                "a repair runs: q again cancels it and takes it back", severity="warning", markup=False
            )
            return
        self.exit(0)

    def action_interrupt(self) -> None:
        """End as Ctrl-C does."""
        self.exit(INTERRUPTED)
