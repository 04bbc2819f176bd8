"""Grafana: dashboards, data source and panel, ready to be provisioned.

    asymmetrica grafana export DIR       writes dashboards/, provisioning/, plugins/ and login.sql there

Every figure is a query of a view or function of the extension that a member of asymm_reader may run; Grafana
only draws. The dashboards are made by `boards` (extra `grafana`) and shipped as JSON: their use needs it not.
"""

from __future__ import annotations

import shutil
from pathlib import Path

DATASOURCE = "asymmetrica"  # uid every query names
PLUGIN = "asymmetrica-panel"
HERE = Path(__file__).resolve().parent
PARTS = ("dashboards", "provisioning", "plugins", "login.sql")

__all__ = ["DATASOURCE", "HERE", "PARTS", "PLUGIN", "export"]


def export(directory: Path) -> list[Path]:
    """Write everything Grafana needs to a directory, over what is there; return their paths in it."""
    written = []
    for part in PARTS:
        place = HERE / part
        for source in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if source.is_file():
                target = directory / source.relative_to(HERE)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
                written.append(target.relative_to(directory))
    return written
