"""The built page is of these sources, complete, small, and asks for nothing elsewhere."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from pathlib import Path

from asymmetrica.dashboard.files import HERE

WEB = Path(__file__).parents[2] / "python" / "web"


def sources() -> str:
    """Return one hash over everything the page is made of, as python/web/build.mjs does."""
    names = {"build.mjs", "package-lock.json", "package.json", "tsconfig.json"}
    names |= {path.relative_to(WEB).as_posix() for path in (WEB / "src").rglob("*") if path.is_file()}
    total = hashlib.sha256()
    for name in sorted(names):
        total.update(name.encode() + b"\0" + (WEB / name).read_bytes() + b"\0")
    return total.hexdigest()


def test_the_page_is_built_from_these_sources() -> None:
    manifest = json.loads((HERE / "manifest.json").read_text())
    assert manifest["sources"] == sources(), "make web"
    built = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in HERE.iterdir()}
    del built["manifest.json"]
    assert built == manifest["files"], "make web"


def test_all_of_the_page_is_at_most_200_kb() -> None:
    sizes = {path.name: len(gzip.compress(path.read_bytes())) for path in HERE.iterdir()}
    assert sum(sizes.values()) <= 200_000, sizes
    # What is needed before anything is seen: three.js and the plots come later.
    first = sum(size for name, size in sizes.items() if not re.match(r"webgl|uPlot", name))
    assert first <= 40_000, sizes


def test_nothing_is_inline_and_nothing_from_elsewhere() -> None:
    page = (HERE / "index.html").read_text()
    assert not re.search(r"<style|\sstyle=|\son\w+=|https?:", page)
    for link in re.findall(r'(?:src|href)="(/[^"]*)"', page):
        assert (HERE / link.removeprefix("/static/")).is_file()
    assert "MIT" in (HERE / "LICENSES.txt").read_text()
    for path in HERE.glob("app-*.js"):
        assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|\beval\(", path.read_text())
