"""The index loop on a live shop: what autopilot makes of it, beside nothing and an expert's indexes."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from pathlib import Path

from bench import live, shop
from bench.figures import Figure, at_most, told
from bench.live import Scripts
from bench.scene import Scene
from support import database
from support.database import Database

ACTOR = "shop_actor"
ROUNDS, SECONDS, SEED = 5, 4, 203
FIRST, SHIFT, PATIENCE = 170.0, 210.0, 30.0  # seconds at most that the loop is given


def compare(dbs: dict[str, Database], scripts: Scripts, mix: str) -> dict[str, float]:
    """Return the median transactions a second of each, measured in turn; what is slow by far but once."""
    rates: dict[str, list[float]] = {name: [] for name in dbs}
    for number in range(ROUNDS):
        for name, db in dbs.items():
            if name != "none" or number == 0:
                live.rate(db, scripts, mix, 1, SEED - 1)
                rates[name].append(live.rate(db, scripts, mix, SECONDS, SEED + number))
    return {name: statistics.median(found) for name, found in rates.items()}


def at_least(name: str, value: float, limit: float) -> Figure:
    return Figure(name, f"≥ {limit:.2f}", f"{value:.2f}", value >= limit)


def measure(scene: Scene) -> list[Figure]:
    for role in (shop.OWNER, shop.APP):
        scene.db.sql(f"CREATE ROLE {role} LOGIN")
    made: list[Database] = []

    def copy(name: str, template: str = "shop_none") -> Database:
        made.append(database.create(scene.cluster, template, name, strategy="FILE_COPY"))
        made[-1].sql(f"ALTER DATABASE {name} SET synchronous_commit = off")
        return made[-1]

    try:
        begun = time.monotonic()
        shop.make(none := copy("shop_none", "template0"))
        none.close()
        experts = {mix: copy(f"shop_{mix}") for mix in shop.EXPERT}
        ours = copy("shop_ours")
        for mix, db in experts.items():
            shop.index(db, shop.EXPERT[mix])
        live.prepare(ours, ACTOR)
        loaded = time.monotonic() - begun
        with tempfile.TemporaryDirectory() as directory:
            return [
                told("shop: time to load", loaded, "s", 0),
                *_figures(none, experts, ours, Scripts(Path(directory))),
            ]
    finally:
        for db in reversed(made):
            db.drop()


def _figures(none: Database, experts: dict[str, Database], ours: Database, scripts: Scripts) -> list[Figure]:
    ours.sql("SELECT asymm.autopilot('on')")
    with live.at_work(ours, scripts, "before", SEED), live.pulse(ours, ACTOR):
        settled = live.settled(ours, 40, FIRST)
        planted = _planted(ours)
    since = live.scans(ours)
    rates = compare({"none": none, "expert": experts["before"], "ours": ours}, scripts, "before")
    idle = [name for name, count in live.scans(ours).items() if count <= since.get(name, 0)]
    figures = [
        told("shop without indexes, transactions", rates["none"], "/s", 0),
        told("  with an expert's indexes", rates["expert"], "/s", 0),
        told("  with those autopilot made of nothing", rates["ours"], "/s", 0),
        at_least("  autopilot's, of the expert's", rates["ours"] / rates["expert"], 0.9),
        told("  seconds until there was no more to do", settled, "s", 0),
        at_most("  indexes of autopilot's that nothing uses", len(idle), 0, "", 0),
        planted,
    ]
    with live.at_work(ours, scripts, "after", SEED + 1), live.pulse(ours, ACTOR):
        settled = live.settled(ours, 70, SHIFT)
    since = live.scans(ours)
    rates = compare({"expert": experts["after"], "ours": ours}, scripts, "after")
    dead = [name for name, count in live.scans(ours).items() if count <= since.get(name, 0)]
    return [
        *figures,
        told("half of the statements become others: an expert's", rates["expert"], "/s", 0),
        told("  with what autopilot made of its own", rates["ours"], "/s", 0),
        at_least("  autopilot's, of the expert's", rates["ours"] / rates["expert"], 0.9),
        told("  seconds until there was no more to do", settled, "s", 0),
        at_most("  indexes of autopilot's that nothing uses any more", len(dead), 0, "", 0),
    ]


def _planted(db: Database) -> Figure:
    """Unless the search did, propose what the planner believes in and time doesn't."""
    tried = "SELECT count(*) FROM asymm.advice WHERE target = 'shop.tickets' AND built_at IS NOT NULL"
    if not db.value(tried):
        query = db.value("SELECT max(id) FROM asymm.query WHERE statement ~ 'shop.tickets'")
        advice = {
            "schema": "shop", "table": "tickets", "keys": ["opened_at"], "proved": True,
            "saved_ms_per_hour": 1e9, "queries": [{"query": query}],
        }  # fmt: skip
        db.sql("SELECT asymm._propose_index('create index', %s)", json.dumps(advice))
    taken_back = (
        "SELECT EXTRACT(epoch FROM max(changed_at) - max(built_at))::float8 FROM asymm.advice"
        " WHERE target = 'shop.tickets' AND state = 'reverted' AND built_at IS NOT NULL"
    )
    begun = time.monotonic()
    while (seconds := db.value(taken_back)) is None and time.monotonic() - begun < PATIENCE:
        time.sleep(0.5)
    measured = "no" if seconds is None else f"after {seconds:.0f} s"
    return Figure("index that cost likes and time doesn't: taken back", "yes", measured, seconds is not None)
