"""Two more acts: every other kind of object in one plan, and how a second database differs."""

from __future__ import annotations

from psycopg.conninfo import conninfo_to_dict

from .._database_sync import connect
from ..cli.difference import STYLES, render
from ..rows import ObjectStep
from .scenery import CREW
from .slips import OTHER_SLIPS
from .story import Story


def one_plan(story: Story) -> None:
    """Objects of five kinds drift; one plan repairs them all, in order, and is taken back as one."""
    db, screen = story.db, story.screen
    screen.title("A view, a function, an enum and a policy drift: one plan for all of them")
    story.stage.others()
    declared = db.fingerprint_schema(CREW)
    story.commit("kim", OTHER_SLIPS)
    for statement in OTHER_SLIPS:
        screen.line(statement, "cyan")
    slipped = db.fingerprint_schema(CREW)
    screen.line("heal_all(dry_run => true):")
    _tell(story, db.heal_all(dry_run=True))
    steps = db.heal_all()
    action = next((step.action for step in steps if step.state == "verified"), None)
    for step in steps:
        if step.state == "withheld":
            screen.line(f"withheld: {step.statement}", "dim")
    healed = db.fingerprint_schema(CREW) == declared
    screen.check(healed and action is not None, f"heal_all() ran it in one transaction: action {action}")
    if action is None:
        return
    db.revert(action)
    screen.check(db.fingerprint_schema(CREW) == slipped, f"revert({action}) took all of it back")
    db.heal_all()
    screen.check(db.fingerprint_schema(CREW) == declared, "heal_all() mended it again")


def compare(story: Story) -> None:
    """A second database lacks the migration and has the slips: a diff says so."""
    screen = story.screen
    screen.title("Another database, compared: asymmetrica diff")
    with story.stage.staging() as dsn:
        story.commit("kim", OTHER_SLIPS, dsn=dsn)
        with connect(dsn) as staging:
            found = staging.diff(story.db.baseline())
        name = str(conninfo_to_dict(dsn)["dbname"])
        lines = list(render(found, story.stage.connection.info.dbname, name))
    for sign, text in lines:
        screen.line(text, STYLES[sign])
    screen.check(
        {"flights.flights", "crew.pilots", "crew.rank"} <= {row.object for row in found},
        f"{lines[-1][1]}: the migration was never run there, the slips were",
    )


def _tell(story: Story, steps: list[ObjectStep]) -> None:
    for step in steps:
        line = " ".join((step.statement or "(nothing can be done)").split())
        short = line if len(line) <= 100 else f"{line[:99]}…"
        hazards = f"  ({', '.join(step.hazards)})" if step.hazards else ""
        story.screen.line(f"{step.step:>2}. {short}{hazards}", "cyan", indent=4)
