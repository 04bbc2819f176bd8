"""Mirror: which tables have copies, how fresh they are, what they save; and databases in step."""

from ..board import Board
from ..panels import Field, figures, picture, plot, rows

NAME, TITLE, REFRESH = "mirror", "Mirror", "5s"
ABOUT = "Copies in Redis: whether they are fresh, and not only whether they are hit."

_NO_MIRROR = "Nothing is mirrored: SELECT * FROM asymm.mirror('shop.customers'), then asymmetrica mirror run"
_NO_READS = "No reads by a driver were reported yet: read through asymmetrica.reads"


def fill(board: Board) -> None:
    """Lay the panels out."""
    board.line(
        4,
        (
            12,
            figures(
                "Now",
                """SELECT v.mirrored AS "Mirrored tables", EXTRACT(epoch FROM v.mirror_lag)::float8 AS
                    "Behind at most" FROM asymm.vitals AS v""",
                about="asymm.vitals.",
                none="none",
                fields={"Behind at most": Field(unit="s", warn=5, alarm=60)},
            ),
        ),
        (
            12,
            figures(
                "Worst state",
                "SELECT v.mirror_state FROM asymm.vitals AS v",
                about="asymm.vitals: live, building, paused, no worker, unsafe, refused, gone.",
                none=_NO_MIRROR,
                text=True,
            ),
        ),
    )
    board.line(
        10,
        (
            8,
            picture(
                "Mirror overlap",
                "mirror_overlap",
                about="How much of what the database has the mirror serves.",
                none=_NO_MIRROR,
            ),
        ),
        (
            16,
            rows(
                "Mirrored tables",
                """SELECT m.object, m.state, EXTRACT(epoch FROM m.lag)::float8 AS lag, m.lag_bytes,
                   m.rows, m.applied_at,
                          array_to_string(m.columns, ', ') AS columns, m.epoch, m.cause, m.error
                     FROM asymm.mirror_status() AS m ORDER BY m.state = 'live', m.object""",
                about="asymm.mirror_status(): what is not live first, and why.",
                none=_NO_MIRROR,
                object=Field("Table", link="tables?var-table=${__value.raw}"),
                state=Field("State", colored=True, width=100),
                lag=Field("Behind", unit="s", width=90, warn=5, alarm=60),
                lag_bytes=Field("Not applied", unit="bytes", width=100),
                rows=Field("Rows", width=90),
                applied_at=Field("Applied", width=180),
                columns=Field("Columns"),
                epoch=Field("Epoch", width=80),
                cause=Field("Cause"),
                error=Field("Error"),
            ),
        ),
    )
    board.line(
        8,
        (
            8,
            plot(
                "Behind",
                "mirror.lag_seconds at most",
                about="Seconds the mirror is behind.",
                none=_NO_MIRROR,
                unit="s",
            ),
        ),
        (
            8,
            plot(
                "Not applied yet",
                "mirror.lag_bytes WAL",
                about="WAL the mirror has not applied.",
                none=_NO_MIRROR,
                unit="bytes",
            ),
        ),
        (
            8,
            plot(
                "Applied",
                "mirror.changes rows",
                "mirror.transactions transactions",
                about="A second.",
                none=_NO_MIRROR,
                unit="ops",
                rate=True,
            ),
        ),
    )
    board.line(
        8,
        (
            8,
            plot(
                "Reads by drivers",
                "read.reads all",
                "read.hits answered by a copy",
                about="A second.",
                none=_NO_READS,
                unit="ops",
                rate=True,
            ),
        ),
        (
            8,
            plot(
                "Answered by a copy",
                "read.hit_rate share",
                about="Share of reads.",
                none=_NO_READS,
                unit="percentunit",
                most=1,
            ),
        ),
        (
            8,
            plot(
                "Time",
                "read.seconds spent",
                "read.saved_seconds saved",
                about="Seconds a second: spent on reads, and saved by copies.",
                none=_NO_READS,
                unit="s",
                rate=True,
            ),
        ),
    )
    board.line(
        8,
        (
            12,
            rows(
                "Reads of tables",
                """SELECT format('%I.%I', r.schema_name, r.table_name) AS object, r.hits, r.misses,
                   r.refused, r.hit_rate,
                          EXTRACT(epoch FROM r.spent)::float8 AS spent, EXTRACT(epoch FROM
                          r.saved)::float8 AS saved, r.bytes
                     FROM asymm.mirror_reads AS r ORDER BY r.hits DESC LIMIT 100""",
                about="asymm.mirror_reads.",
                none=_NO_READS,
                object=Field("Table", link="tables?var-table=${__value.raw}"),
                hits=Field("Hits", width=90),
                misses=Field("Misses", width=90),
                refused=Field("Refused", width=90),
                hit_rate=Field("Hit rate", unit="percentunit", bar=True),
                spent=Field("Spent", unit="s", width=90),
                saved=Field("Saved", unit="s", width=90),
                bytes=Field("Size", unit="bytes", width=90),
            ),
        ),
        (
            12,
            rows(
                "Kept results",
                """SELECT c.role, array_to_string(c.tables, ', ') AS tables, c.hits, c.misses, c.refused,
                   c.hit_rate,
                          EXTRACT(epoch FROM c.saved)::float8 AS saved, c.bytes, c.why_not
                     FROM asymm.cached_queries AS c ORDER BY c.hits DESC NULLS LAST LIMIT 100""",
                about=(
                    "asymm.cached_queries: results of whole statements, and why some are not "
                    "kept. Their texts "
                    "are for operators."
                ),
                none=_NO_READS,
                role=Field("Role"),
                tables=Field("Tables"),
                hits=Field("Hits", width=90),
                misses=Field("Misses", width=90),
                refused=Field("Refused", width=90),
                hit_rate=Field("Hit rate", unit="percentunit", bar=True),
                saved=Field("Saved", unit="s", width=90),
                bytes=Field("Size", unit="bytes", width=90),
                why_not=Field("Not kept because"),
            ),
        ),
    )
    board.line(
        9,
        (
            8,
            picture(
                "Fleet",
                "fleet",
                about="Databases in step as linked rings: one that is out of step is out of the link.",
                none="No other database has reported here: asymmetrica fleet",
            ),
        ),
        (
            16,
            rows(
                "Databases in step",
                """SELECT f.name, f.label, f.fingerprint, f.seen_at, f.changed_at, f.reported_by,
                   array_to_string(f.agrees_with, ', ') AS agrees_with
                     FROM asymm.fleet AS f""",
                about="asymm.fleet: databases that reported the fingerprint of what is declared.",
                none="No database has reported here: asymmetrica fleet",
                name=Field("Database"),
                label=Field("Label"),
                fingerprint=Field("Fingerprint"),
                seen_at=Field("Reported", width=160),
                changed_at=Field("Changed", width=160),
                reported_by=Field("By"),
                agrees_with=Field("In step with"),
            ),
        ),
    )
