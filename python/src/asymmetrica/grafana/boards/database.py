"""Database: sessions, transactions, memory, locks."""

from ..board import Board
from ..panels import Field, figures, plot, rows

NAME, TITLE, REFRESH = "database", "Database", "30s"
ABOUT = "The server's own figures of this database, and who waits for whom."

_NO_SAMPLES = "Not measured yet: the organ telemetry samples each minute once asymm.start() runs"


def fill(board: Board) -> None:
    """Lay the panels out."""
    board.line(
        4,
        (
            24,
            figures(
                "Now",
                """SELECT d.size_bytes AS "Size", d.sessions AS "Sessions", d.max_connections AS "At
                   most", d.active AS "Active",
                          d.waiting AS "Waiting for a lock", d.idle_in_transaction AS "Idle in
                          transaction", d.hit_rate AS "Found in memory",
                          EXTRACT(epoch FROM d.oldest_transaction)::float8 AS "Oldest transaction",
                          d.deadlocks AS "Deadlocks"
                     FROM asymm.database_now AS d""",
                about="asymm.database_now; counters since the statistics were reset.",
                none="none",
                fields={
                    "Size": Field(unit="bytes", decimals=1),
                    "Waiting for a lock": Field(warn=1),
                    "Idle in transaction": Field(warn=5),
                    "Found in memory": Field(unit="percentunit", decimals=1),
                    "Oldest transaction": Field(unit="s", warn=300, alarm=3600),
                    "Deadlocks": Field(warn=1),
                },
            ),
        ),
    )
    board.line(
        8,
        (
            8,
            plot(
                "Transactions",
                "database.commits committed",
                "database.rollbacks rolled back",
                about="A second; pg_stat_database.",
                none=_NO_SAMPLES,
                unit="ops",
                rate=True,
            ),
        ),
        (
            8,
            plot(
                "Rows",
                "database.rows_returned read",
                "database.rows_fetched fetched",
                "database.rows_written written",
                about="A second; pg_stat_database.",
                none=_NO_SAMPLES,
                unit="rowsps",
                rate=True,
            ),
        ),
        (
            8,
            plot(
                "Found in memory",
                "database.hit_rate share",
                about="Share of blocks found in the server's own memory.",
                none=_NO_SAMPLES,
                unit="percentunit",
                most=1,
            ),
        ),
    )
    board.line(
        8,
        (
            8,
            plot(
                "Sessions",
                "database.connections sessions",
                about="Connections to this database.",
                none=_NO_SAMPLES,
                unit="short",
            ),
        ),
        (
            8,
            plot(
                "Size", "database.size size", about="Each quarter of an hour.", none=_NO_SAMPLES, unit="bytes"
            ),
        ),
        (
            8,
            plot(
                "Trouble",
                "database.deadlocks deadlocks",
                "database.conflicts conflicts",
                about="Deadlocks, and queries cancelled by recovery.",
                none=_NO_SAMPLES,
                unit="short",
            ),
        ),
    )
    board.line(
        8,
        (
            8,
            plot(
                "Temporary files",
                "database.temp_bytes written",
                about="Bytes a second that sorts and hashes wrote to disk: work_mem is small for them.",
                none=_NO_SAMPLES,
                unit="Bps",
                rate=True,
            ),
        ),
        (
            16,
            rows(
                "Lock waits",
                """SELECT w.pid, w.role, w.application, w.state, w.waits_for, EXTRACT(epoch FROM
                   w.waiting)::float8 AS waiting,
                          array_to_string(w.blocked_by, ', ') AS blocked_by, w.blocks, EXTRACT(epoch FROM
                          w.in_transaction)::float8 AS in_transaction
                     FROM asymm.lock_waits AS w""",
                about="asymm.lock_waits: first who blocks others and waits for nobody.",
                none="Nobody waits for a lock",
                pid=Field("Session", width=90),
                role=Field("Role"),
                application=Field("Application"),
                state=Field("State"),
                waits_for=Field("Waits for"),
                waiting=Field("For", unit="s", width=90, warn=10, alarm=60),
                blocked_by=Field("Blocked by"),
                blocks=Field("Blocks", width=80, warn=1),
                in_transaction=Field("In transaction", unit="s", width=120),
            ),
        ),
    )
