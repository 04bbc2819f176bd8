"""How the console is laid out: lines above, the table, keys below."""

from __future__ import annotations

from textual.theme import Theme

from .palette import Palette

CSS = """
Screen { background: $background; color: $foreground; layout: vertical; overflow: hidden; }
#verdict, #vitals, #tabs, #title, #keys { height: 1; }
#panel { height: auto; padding: 0; }
#tabs, #keys { background: $panel; }
#empty { height: auto; padding: 1 0 0 0; }
#filter { height: 1; border: none; padding: 0 1; display: none; background: $panel; }
Grid:focus { background-tint: $background 0%; }
Grid { height: 1fr; background: $background; scrollbar-size-horizontal: 0; scrollbar-size-vertical: 1; }
Grid > .datatable--header { background: $background; color: $text-muted; text-style: bold; }
Grid > .datatable--cursor { background: $accent; color: $background; text-style: bold; }
Grid > .datatable--hover { background: $background; }
Grid > .datatable--header-hover, Grid > .datatable--header-cursor {
    background: $background; color: $text-muted;
}
ModalScreen { align: center middle; background: $background 60%; }
.sheet {
    width: 90%; max-width: 120; height: auto; max-height: 95%;
    background: $panel; border: round $accent; padding: 0 1;
}
.sheet VerticalScroll { height: auto; max-height: 65vh; background: $panel; scrollbar-size-vertical: 1; }
.sheet #body { height: auto; }
.head { height: 1; }
.foot { height: 1; margin-top: 1; }
#reason { height: 1; border: none; background: $background; margin-top: 1; padding: 0 1; }
Toast { background: $panel; color: $foreground; }
"""


def theme(palette: Palette) -> Theme:
    """Return the colours as Textual wants them."""
    return Theme(
        name=palette.name,
        dark=palette.dark,
        primary=palette.accent,
        secondary=palette.accent,
        accent=palette.accent,
        warning=palette.warning,
        error=palette.critical,
        success=palette.good,
        foreground=palette.text,
        background=palette.ground,
        surface=palette.ground,
        panel=palette.panel,
        variables={
            "text-muted": palette.muted,
            "scrollbar": palette.muted,
            "scrollbar-background": palette.panel,
        },
    )
