"""Colours of the console, dark and light. No colour says anything that a word beside it does not."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours by role; each is readable on `ground` and on `panel`."""

    name: str
    dark: bool
    ground: str
    panel: str
    text: str
    muted: str
    good: str
    fair: str
    warning: str
    critical: str
    accent: str

    def of(self, state: str) -> str:
        """Return the style of a state, a severity or a status."""
        role = ROLES.get(state)
        return "" if role is None else f"bold {getattr(self, role)}" if role in _LOUD else getattr(self, role)


DARK = Palette(
    "asymmetrica-dark", True, ground="#0f1418", panel="#1c252d", text="#e8ecef", muted="#a7b2bc",
    good="#78d694", fair="#8fc7ff", warning="#f4c657", critical="#ff9188", accent="#8fc7ff",
)  # fmt: skip
LIGHT = Palette(
    "asymmetrica-light", False, ground="#ffffff", panel="#eceff2", text="#171c20", muted="#4d5862",
    good="#12602e", fair="#0a4f98", warning="#714b00", critical="#a81f18", accent="#0a4f98",
)  # fmt: skip

_LOUD = ("warning", "critical")
_WORDS = {
    "good": "good ok excellent verified applied healed adopted kept live yes",
    "fair": "fair info approved applying building validating reverting",
    "warning": "warning proposed open withheld paused unsafe",
    "critical": "critical error failed gone refused no",
}
ROLES = {word: role for role, words in _WORDS.items() for word in words.split()}
ROLES |= {"no worker": "warning", "no connection": "critical"}


def preferred() -> Palette:
    """Return the light colours where the terminal says that its ground is light, else the dark."""
    ground = os.environ.get("COLORFGBG", "").rpartition(";")[2]
    return LIGHT if ground in ("7", "15") else DARK
