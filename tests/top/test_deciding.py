"""Keys that decide: the plan is shown first, nothing runs unasked, and what is refused says why."""

from __future__ import annotations

import pytest

from support.scene import Scene, rows

from .conftest import Screen, shown

DEFAULT = "SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'public.hers'::regclass"


def slip(scene: Scene) -> None:
    """Let a column's default slip in psql, and have a beat see it."""
    done = scene.db.psql("-c", "ALTER TABLE public.hers ALTER note DROP DEFAULT", user=scene.ann)
    assert done.returncode == 0, done.stderr
    scene.db.sql("SELECT asymm.beat()")


async def decide(screen: Screen, key: str, *shows: str) -> None:
    """Press a key for the row; the plan comes first, and Enter alone does nothing."""
    await screen.press(key)
    await screen.until("y do it", *shows)
    await screen.press("enter")


async def test_a_slip_appears_and_is_approved_and_reverted_by_keys(scene: Scene) -> None:
    rows(scene.as_ann, "SELECT asymm.watch('public.hers', 'propose')")
    async with shown(scene.db.dsn_of(scene.ann), tab=1) as screen:
        await screen.until("no drift")
        slip(scene)
        await screen.until(
            "public.hers", "column note", "proposed", "2 Drift (1)", "6 Actions (1)", scene.ann[:5]
        )
        plan = ("ALTER COLUMN note SET DEFAULT", "ACCESS EXCLUSIVE", "hazards", "DROP DEFAULT")
        await decide(screen, "a", "Approve action", *plan)
        assert scene.db.value(DEFAULT) is None
        await screen.press("n")
        await screen.until("public.hers", without="y do it")
        assert scene.db.value("SELECT state FROM asymm.actions") == "proposed"

        await decide(screen, "a")
        await screen.press("y")
        await screen.until("done: verified")
        assert scene.db.value(DEFAULT) == "'x'::text"
        assert scene.db.value("SELECT applied_by FROM asymm.actions") == scene.ann
        await screen.press("enter")
        await screen.until("healed", without="2 Drift (1)")

        await screen.press("6")
        await screen.until("verified", "public.hers")
        await screen.press("enter")
        await screen.until("evidence before")
        await screen.press(*["pagedown"] * 9)
        await screen.until("History of public.hers", "Esc close")
        assert "proposed → approved" in screen.sheet
        await screen.press("escape")
        await decide(screen, "r", "Revert action", "ALTER COLUMN note DROP DEFAULT")
        assert scene.db.value(DEFAULT) == "'x'::text"
        await screen.press("y")
        await screen.until("done: reverted")
        assert scene.db.value(DEFAULT) is None


async def test_rejecting_asks_for_a_reason_and_healing_shows_its_dry_run(scene: Scene) -> None:
    rows(scene.as_ann, "SELECT asymm.watch('public.hers', 'propose')")
    slip(scene)
    async with shown(scene.db.dsn_of(scene.ann), tab=5) as screen:
        await screen.until("public.hers")
        await screen.press("x")
        await screen.until("Reject action", "What it would have run", "Enter reject it")
        # Keys that decide are letters of the reason here.
        await screen.type("yes [b]we keep it")
        await screen.press("enter")
        await screen.until("done: rejected")
        note = "SELECT note FROM asymm.action_history(%s) WHERE to_state = 'rejected'"
        action = scene.db.value("SELECT min(id) FROM asymm.actions")
        assert "yes [b]we keep it" in scene.db.value(note, action)

        await screen.press("escape", "2")
        await screen.until("public.hers")
        await decide(screen, "h", "Heal public.hers", "SET DEFAULT", "ACCESS EXCLUSIVE")
        assert scene.db.value(DEFAULT) is None
        await screen.press("y")
        await screen.until("done: verified")
        assert scene.db.value(DEFAULT) == "'x'::text"
        await screen.press("escape", "h")
        await screen.until("Nothing differs")
        await screen.press("y")
        assert scene.db.value("SELECT count(*) FROM asymm.actions") == 2


async def test_what_was_not_shown_is_not_run(scene: Scene) -> None:
    rows(scene.as_ann, "SELECT asymm.watch('public.hers', 'propose')")
    slip(scene)
    async with shown(scene.db.dsn_of(scene.ann), tab=1) as screen:
        await screen.until("public.hers")
        await screen.press("h")
        await screen.until("y do it", "SET DEFAULT")
        rows(scene.as_ann, "CREATE INDEX odd ON public.hers (note)")
        await screen.press("y")
        await screen.until("It changed meanwhile; nothing was done", "DROP INDEX", "y do it")
        assert scene.db.value(DEFAULT) is None
        await screen.press("y")
        await screen.until("done: verified")
        assert scene.db.value("SELECT to_regclass('public.odd')") is None


@pytest.mark.parametrize("who", ["reader", "stranger", "paused"])
async def test_who_may_not_is_told_why(scene: Scene, who: str) -> None:
    action = scene.slip()
    login = {"reader": scene.reader, "stranger": scene.bob, "paused": scene.ann}[who]
    if who == "paused":
        scene.db.sql("SELECT asymm.pause('hands off')")
    async with shown(scene.db.dsn_of(login), tab=1) as screen:
        await screen.until("public.hers", "proposed")
        if who == "reader":
            await screen.until("read-only", without="a approve")
            for key in "axrh":
                await screen.press(key)
            await screen.until("is no member")
            await screen.press("question_mark")
            await screen.until("a, x, r and h do nothing here")
            await screen.press("escape", "enter")
            await screen.until("drift: public.hers")
            # Statements of others are not for readers.
            assert "DROP DEFAULT" not in screen.sheet
        else:
            await decide(screen, "a")
            await screen.press("y")
            codes = {
                "stranger": ("refused [42501]", "detail", "hint"),
                "paused": ("refused [SY004]", "hands off"),
            }
            await screen.until(*codes[who])
            if who == "stranger":
                assert "You may not act for the owner" in screen.text
    assert scene.state(action) == "proposed"
    assert scene.db.value(DEFAULT) is None
