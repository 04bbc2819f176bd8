"""The dialogs: sheets of text, and the one that shows a plan and asks before anything runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from ..errors import AsymmetricaError
from .act import Outcome, Plan
from .leaf import Leaf
from .palette import Palette
from .words import clean


class Sheet(ModalScreen[None]):
    """A sheet of text one scrolls through; Esc closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "close", show=False),
        Binding("down,j", "scroll(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("pagedown,space", "page(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
    ]
    foot = "↑ ↓ scroll · Esc close"

    def __init__(self, head: str, body: Leaf, more: Callable[[], Awaitable[Leaf]] | None = None) -> None:
        super().__init__()
        self.head, self.body, self.more = head, body, more
        self.palette = body.palette

    def compose(self) -> ComposeResult:
        """Lay out the title, the text and the keys."""
        with Vertical(classes="sheet"):
            yield Static(
                Text(clean(self.head), style="bold", no_wrap=True, overflow="ellipsis"), classes="head"
            )
            with VerticalScroll(can_focus=False):
                yield Static(self.body.rendered(), id="body")
            yield from self.extra()
            yield Static(Text(self.foot, style=self.palette.muted), classes="foot")

    def extra(self) -> ComposeResult:
        """Add what stands between the text and the keys."""
        yield from ()

    def on_mount(self) -> None:
        """Fetch what belongs to it and takes a moment."""
        if self.more is not None:
            self.fetch(self.more)

    @work
    async def fetch(self, more: Callable[[], Awaitable[Leaf]]) -> None:
        """Add what had to be asked for."""
        try:
            found = await more()
        except (AsymmetricaError, TimeoutError) as error:
            found = failure(error, self.palette)
        self.add(found)

    def add(self, more: Leaf) -> None:
        """Append lines."""
        self.turn_to(self.body.join(more))

    def turn_to(self, leaf: Leaf) -> None:
        """Show other lines."""
        self.body = leaf
        self.query_one("#body", Static).update(leaf.rendered())

    def action_close(self) -> None:
        """Close the sheet."""
        self.dismiss(None)

    def action_scroll(self, lines: int) -> None:
        """Scroll by lines."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def action_page(self, pages: int) -> None:
        """Scroll by pages."""
        box = self.query_one(VerticalScroll)
        box.scroll_relative(y=pages * max(1, box.size.height - 1), animate=False)


class Ask(Sheet):
    """Shows what would run, asks, runs it and tells how it went."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "confirm", show=False),
        Binding("n", "close", show=False),
        Binding("enter", "enter", show=False),
    ]
    SAYS: ClassVar[dict[str, str]] = {
        "planning": "Esc leave it",
        "asking": "y do it · n leave it · ↑ ↓ scroll",
        "reason": "Enter reject it, with the reason · Esc leave it",
        "running": "running … Esc closes this, what runs goes on",
        "ended": "Esc close",
    }

    def __init__(
        self,
        head: str,
        palette: Palette,
        plan: Callable[[], Awaitable[Plan]],
        run: Callable[[str | None], Awaitable[Outcome]],
        *,
        wants_reason: bool = False,
    ) -> None:
        super().__init__(head, Leaf(palette).say("looking what would run …", palette.muted))
        self.make, self.call, self.wants_reason = plan, run, wants_reason
        self.plan: Plan
        self.stage = "planning"

    def extra(self) -> ComposeResult:
        """Add the line for the reason where one is asked for."""
        if self.wants_reason:
            yield Input(placeholder="reason, kept in the ledger", id="reason", disabled=True)

    def on_mount(self) -> None:
        """Look what would run."""
        self.move_on("planning")
        self.look()

    def move_on(self, stage: str) -> None:
        """Enter a stage, and say which keys do what now."""
        self.stage = stage
        style = "bold" if stage in ("asking", "reason") else self.palette.muted
        self.query_one(".foot", Static).update(Text(self.SAYS[stage], style=style))

    @work
    async def look(self) -> None:
        """Show the plan and ask."""
        try:
            self.plan = await self.make()
        except (AsymmetricaError, TimeoutError) as error:
            self.turn_to(failure(error, self.palette))
            self.move_on("ended")
            return
        self.turn_to(described(self.plan, self.palette))
        if self.plan.possible:
            self.ask()
        else:
            self.move_on("ended")

    def ask(self) -> None:
        """Wait for y, or for a reason."""
        self.move_on("reason" if self.wants_reason else "asking")
        if self.wants_reason:
            reason = self.query_one(Input)
            reason.disabled = False
            reason.focus()

    def action_confirm(self) -> None:
        """Run what was shown."""
        if self.stage == "asking":
            self.start(None)

    def action_enter(self) -> None:
        """Close what has ended; Enter alone decides nothing."""
        if self.stage == "ended":
            self.dismiss(None)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Reject, with the reason."""
        event.stop()
        if self.stage == "reason":
            event.input.disabled = True
            self.start(event.value.strip() or None)

    def start(self, reason: str | None) -> None:
        """Run it, for the application: closing the dialog must not cancel it half-way."""
        self.move_on("running")
        self.app.run_worker(self.go(reason), group="acting", exit_on_error=False)

    async def go(self, reason: str | None) -> None:
        """Run what was shown and tell how it went, here or, if this was closed meanwhile, in a corner."""
        stage = "ended"
        try:
            now = await self.make()
            if now.steps == self.plan.steps:
                said = told(await self.call(reason), self.palette)
            else:
                # Nobody agreed to that.
                said = described(now, self.palette)
                said.say("").say("It changed meanwhile; nothing was done. This is the plan now.", "bold")
                self.plan, self.body = now, Leaf(self.palette)
                stage = "asking" if now.possible else "ended"
        except (AsymmetricaError, TimeoutError) as error:
            said = failure(error, self.palette)
        if self.is_attached and self.is_current:
            self.add(said)
            self.ask() if stage == "asking" else self.move_on(stage)
            self.query_one(VerticalScroll).scroll_end(animate=False)
        else:
            words = f"{clean(self.head)}: {said.plain.strip()}"
            self.app.notify(words, markup=False, timeout=10)


def described(plan: Plan, palette: Palette) -> Leaf:
    """Return a plan: notes, then each statement with lock, hazards and what takes it back."""
    leaf = Leaf(palette)
    for note in plan.notes:
        leaf.say(note, palette.muted)
    if plan.request.verb == "reject":
        leaf.say("What it would have run:", palette.muted)
    for number, step in enumerate(plan.steps, 1):
        leaf.say("")
        leaf.put(str(number), step.statement, "bold")
        if step.lock:
            leaf.put("lock", step.lock)
        leaf.put("hazards", ", ".join(step.hazards) or "none", palette.of("warning") if step.hazards else "")
        if plan.request.verb != "revert":
            leaf.put("inverse", step.inverse or "none: this cannot be undone")
    return leaf


def told(outcome: Outcome, palette: Palette) -> Leaf:
    """Return how it went."""
    leaf = Leaf(palette).say("")
    for number, line in enumerate(outcome.lines):
        leaf.say(line, "" if number else palette.of("good" if outcome.done else "failed"))
    return leaf


def failure(error: Exception, palette: Palette) -> Leaf:
    """Return what the server refused, and why: SQLSTATE, detail and hint."""
    leaf = Leaf(palette).say("")
    if not isinstance(error, AsymmetricaError):
        return leaf.say("no answer in time", palette.of("failed"))
    code = f" [{error.sqlstate}]" if error.sqlstate else ""
    leaf.say(f"refused{code}: {error.message}", palette.of("failed"))
    for name, said in (("detail", error.detail), ("hint", error.hint)):
        if said:
            leaf.put(name, said)
    return leaf
