"""python -m asymmetrica.grafana: make the dashboards anew in the source tree (extra `grafana`)."""

from __future__ import annotations

from . import HERE
from .boards import texts


def main() -> None:
    """Write dashboards/*.json beside this file; what is no longer made goes."""
    made = dict(texts())
    folder = HERE / "dashboards"
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*.json"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")
        print(f"{name}: {len(text):,} characters")


if __name__ == "__main__":
    main()
