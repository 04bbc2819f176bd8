"""The synchronous modules are what the generator makes of the asynchronous ones; nothing is left behind."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import asymmetrica

PYTHON = Path(__file__).resolve().parents[2] / "python"


def test_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, PYTHON / "tools" / "async_to_sync.py", "--check"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", ["Database", "Pulses"])
def test_same_names_and_signatures(name: str) -> None:
    sync, other = getattr(asymmetrica, name), getattr(asymmetrica, f"Async{name}")

    def methods(cls: type) -> dict[str, list[tuple[str, object, object]]]:
        found = inspect.getmembers(cls, inspect.isfunction)
        return {
            key: [(p.name, p.kind, p.default) for p in inspect.signature(method).parameters.values()]
            for key, method in found
            if not key.startswith("_")
        }

    assert methods(sync) == methods(other)
    assert methods(sync)


def test_everything_public_is_documented() -> None:
    for name in asymmetrica.__all__:
        thing = getattr(asymmetrica, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert thing.__doc__, name
        if inspect.isclass(thing):
            for key, method in inspect.getmembers(thing, inspect.isfunction):
                assert key.startswith("_") or method.__doc__, f"{name}.{key}"
