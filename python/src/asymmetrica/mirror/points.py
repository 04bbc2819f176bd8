"""Named points at which a test has the worker killed."""

from __future__ import annotations

import os
import signal

__all__ = ["point"]

_NAME, _, _TIMES = os.environ.get("ASYMMETRICA_FAIL_AT", "").partition(":")
_left = [int(_TIMES or 1)]


def point(name: str) -> None:
    """Kill this process without mercy if $ASYMMETRICA_FAIL_AT names this point (name:3: the third time)."""
    if name == _NAME:
        _left[0] -= 1
        if _left[0] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
