"""One more act: the hour that the weather table has twice, since clocks were put back; merged, taken back."""

from __future__ import annotations

from .story import Story

TABLE = "flights.weather"
HOUR = ("origin", "year", "month", "day", "hour")
# The same hour of the clock is the newer one: an hour later by the sun.
KEEP = "t.time_hour"


def duplicates(story: Story) -> None:
    """Find what is there twice, merge it, take that back; nothing is lost on the way."""
    db, screen = story.db, story.screen
    screen.title("What is there more than once")
    for row in db.duplicate_report(schema="flights"):
        screen.line(f"{row.object}: {row.note or f'{row.duplicates} duplicates among {row.rows:,} rows'}")
    groups = db.find_duplicates(TABLE, columns=HOUR)
    screen.line(f"find_duplicates('{TABLE}', columns => '{{{','.join(HOUR)}}}')", "cyan")
    for group in groups:
        hours = " and ".join(str(key["time_hour"]) for key in group.sample_keys or ())
        airport = group.sample_keys[0]["origin"] if group.sample_keys else ""
        screen.line(f"{group.hash.hex()[:12]}…  {group.rows} rows: {airport}, {hours}")
    if groups and not db.find_duplicates(TABLE, ignore=("time_hour",)):
        screen.line("clocks were put back then: hours of one name, and no two rows that say the same of them")
    if not groups:  # few rows were loaded
        return
    before = _content(story)
    merge = db.merge_duplicates(TABLE, columns=HOUR, keep=KEEP)
    screen.check(
        merge.removed == sum(group.rows - 1 for group in groups)
        and not db.find_duplicates(TABLE, columns=HOUR),
        f"merge_duplicates(keep => '{KEEP}'): {merge.removed} rows go to the recycle table",
    )
    back = db.revert(merge.action) if merge.action else []
    screen.check(
        [row.state for row in back] == ["reverted"] and _content(story) == before,
        f"revert({merge.action}): all rows are back as they were, by their content hashes",
    )


def _content(story: Story) -> object:
    query = "SELECT count(*), sha256(string_agg(hash, '' ORDER BY hash)) FROM asymm.content_hashes(%s, %s)"
    columns = ["origin", "temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "time_hour"]
    return story.stage.connection.execute(query, [TABLE, columns]).fetchone()
