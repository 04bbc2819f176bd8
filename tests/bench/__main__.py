"""Measure all figures or those named, print the table, exit 1 if a target was missed."""

from __future__ import annotations

import argparse
import sys
import time
import traceback

from bench import (
    advise,
    beat,
    dashboard,
    ddl,
    drift,
    entity,
    eyes,
    graph,
    hashes,
    heal,
    learning,
    loop,
    mind,
    mirror,
    reads,
    scans,
    tps,
    workload,
)
from bench.figures import Figure, machine, table
from bench.scene import Scene

GROUPS = {
    "ddl": ddl.measure,
    "scans": scans.measure,
    "beat": beat.measure,
    "drift": drift.measure,
    "tps": tps.measure,
    "workload": workload.measure,
    "graph": graph.measure,
    "hash": hashes.measure,
    "mind": mind.measure,
    "heal": heal.measure,
    "advise": advise.measure,
    "loop": loop.measure,
    "learning": learning.measure,
    "mirror": mirror.measure,
    "reads": reads.measure,
    "entity": entity.measure,
    "dashboard": dashboard.measure,
    "eyes": eyes.measure,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--only", default=",".join(GROUPS), help=f"comma-separated: {', '.join(GROUPS)}")
    wanted = [name.strip() for name in parser.parse_args().only.split(",") if name.strip()]
    if unknown := set(wanted) - set(GROUPS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(GROUPS)}")
    figures: list[Figure] = []
    scene = Scene()
    try:
        print("\n".join(machine(scene.db.own)), flush=True)
        for name, measure in GROUPS.items():
            if name in wanted:
                start = time.monotonic()
                try:
                    found = measure(scene)
                except Exception:
                    traceback.print_exc()
                    found = [Figure(name, "measured", "failed", met=False)]
                figures += found
                print(f"\n{name} ({time.monotonic() - start:.0f} s)\n{table(found)}", flush=True)
    finally:
        scene.remove()
    missed = [figure.name.strip() for figure in figures if figure.met is False]
    promised = sum(figure.met is not None for figure in figures)
    print(f"\n{promised - len(missed)} of {promised} targets met")
    for name in missed:
        print(f"missed: {name}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
