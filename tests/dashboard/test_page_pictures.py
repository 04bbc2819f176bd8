"""The pictures on the screen: their pixels change with the database, by WebGL and without."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from support.database import Database
from support.pulse import make_actor, make_table
from support.screen import PICTURES, SHOTS

from .conftest import MakeRealSite, MakeScreen


def join_fleet(db: Database, *names: str, differs: str = "") -> None:
    db.sql("DELETE FROM asymm.fleet_member")
    for name in names:
        db.sql("SELECT asymm.report_to_fleet(%s, %s)", name, ("b" if name == differs else "a") * 64)


def decide_about_indexes(db: Database, kept: Sequence[bool]) -> None:
    for number, good in enumerate(kept):
        db.sql(
            """WITH a AS (INSERT INTO asymm.action (kind, target, state, requested_by, changed_at)
                 VALUES ('create index', 't', %s, 'me', now() + %s * interval '1 s') RETURNING id)
               INSERT INTO asymm.index_action (action_id, relid, index_schema, index_name, shape)
               SELECT id, 1, 's', 'i' || id, 'x' || id FROM a""",
            "verified" if good else "reverted",
            number,
        )


def measure(db: Database, since: int, until: int) -> None:
    db.sql("INSERT INTO asymm.sample_series (metric, node) VALUES ('score.shm', '*') ON CONFLICT DO NOTHING")
    db.sql(
        """INSERT INTO asymm.sample (slot, family, at, ids, totals)
           SELECT (asymm._sample_part('minute', t)).slot, 'score', t, ARRAY[s.id], ARRAY[0.6 + n / 200.0]
             FROM generate_series(%s::int, %s::int) AS n, asymm.sample_series AS s,
                  LATERAL (SELECT date_trunc('minute', now()) - n * interval '1 min') AS m (t)""",
        since,
        until,
    )


def test_every_picture_shows_what_changed(db: Database, serve: MakeRealSite, screen: MakeScreen) -> None:
    _, owner = make_actor(db)
    make_table(db, owner)
    join_fleet(db, "berlin", "oslo", "porto")
    decide_about_indexes(db, [True, False, True, True])
    measure(db, 20, 55)
    site = serve(db.dsn)
    still = {"reduced_motion": "reduce", "viewport": {"width": 560, "height": 420}}
    pages = {"webgl": screen(site, **still), "2d": screen(site, path="/?2d", color_scheme="dark", **still)}
    solid = "[...document.querySelectorAll('.stage canvas')].map(one => one.style.visibility) == 'hidden,'"

    SHOTS.mkdir(parents=True, exist_ok=True)

    def shots(*modes: str) -> dict[tuple[str, str], bytes]:
        made = {}
        for mode in modes:
            shown = pages[mode]
            page = shown.page
            for picture in PICTURES:
                page.click(f"#tab-{picture}")
                if mode == "webgl":
                    shown.until(solid)
                page.mouse.move(1, 1)
                page.evaluate("() => document.activeElement.blur()")
                made[mode, picture] = page.locator(".stage").screenshot()
                (SHOTS / f"{picture}-{mode}.png").write_bytes(made[mode, picture])
        return made

    for shown in pages.values():
        shown.says("The ring is closed")
        shown.page.wait_for_selector("#tile-fleet_members tbody tr >> nth=2")
    before = shots("webgl", "2d")
    # The telemetry moves with the time.
    again = shots("2d")
    assert [key for key in again if key[1] != "telemetry" and again[key] != before[key]] == []
    db.sql("ALTER TABLE app.item DROP COLUMN label")
    db.sql("SELECT asymm._process_ddl()")
    join_fleet(db, "berlin", "oslo", "porto", differs="oslo")
    decide_about_indexes(db, [False])
    measure(db, 2, 19)
    db.sql("CREATE TABLE app.more (id integer PRIMARY KEY)")
    # Now, instead of in a quarter of a minute.
    site.loop.call_soon_threadsafe(lambda: site.dashboard.poller._due.update(dict.fromkeys(PICTURES, 0.0)))
    said = {
        "heartbeat": "The ring is open", "telemetry": "54 measurements",
        "experiments": "5 decisions about indexes: 3 kept, 2 not",
        "mirror_overlap": "The mirror serves 0 % of the rows: 0 of 2 tables",
        "fleet": "1 of 3 databases differ: oslo",
    }  # fmt: skip
    for shown in pages.values():
        for picture, words in said.items():
            shown.page.click(f"#tab-{picture}")
            shown.says(words)
    after = shots("webgl", "2d")
    assert [key for key in before if before[key] == after[key]] == []
    page = pages["webgl"].page
    page.locator("#over-time").scroll_into_view_if_needed()
    page.wait_for_selector("#over-time canvas")
    pages["webgl"].until(
        "document.querySelector('#over-time .summary').textContent.includes(' values: lowest')"
    )
    with page.expect_download() as saved:
        page.click("text=Save as PNG")
    assert Path(saved.value.path()).read_bytes().startswith(b"\x89PNG")
