"""An act about entities: airports as documents, two who change the same one, and what is left of it."""

from __future__ import annotations

import time

from ..errors import VersionConflict
from .story import Story

_DOCUMENTS = "SELECT 'airport:' || faa, to_jsonb(a) FROM flights.airports AS a ORDER BY faa"
_FORGET = "SELECT asymm._erase_entity(id) FROM asymm.data_entity WHERE id LIKE 'airport:%'"


def entities(story: Story) -> None:
    """Make them, change one twice at one version, delete it, and show its history."""
    screen, db, run = story.screen, story.stage.db, story.stage.connection.execute
    screen.title("Entities: JSON documents by id, with versions and history")
    run(_FORGET)  # of an earlier demonstration
    items = [{"id": id, "value": value} for id, value in run(_DOCUMENTS)]
    began = time.monotonic()
    made = db.create_entities(items)
    took = time.monotonic() - began
    screen.check(len(made) == len(items), f"{len(made):,} airports are entities after {took * 1000:.0f} ms")
    one = made[0]
    screen.line(f"SELECT asymm.update_entity('{one.id}', …, version => {one.version});  twice", "cyan")
    changed = db.update_entity(one.id, {"name": "by the first"}, version=one.version)
    try:
        db.update_entity(one.id, {"name": "by the second"}, version=one.version)
    except VersionConflict as error:
        screen.good(f"the second is told: {error.message}. {error.detail}")
    else:
        screen.failed("a change was lost")
    db.delete_entity(one.id, version=changed.version)
    # An earlier demonstration's stay in the history.
    kept = [version for version in db.entity_history(one.id) if version.version >= one.version]
    screen.check(
        [version.deleted for version in kept] == [False, False, True],
        f"deleted, {one.id} has {len(kept)} versions in its history, the last one a tombstone",
    )
