"""Tables: size, dead rows, scans, writes, states; and everything that happened to one of them."""

from ..board import Board
from ..panels import Field, picture, plot, rows, variable

NAME, TITLE, REFRESH = "tables", "Tables", "30s"
ABOUT = "Tables of this database: what they weigh, what is read and written, what happened to them."

_NO_WORKLOAD = "Not counted yet: the organ workload needs asymm.start()"
_NODE = "'entity:' || '${table}'"


def fill(board: Board) -> None:
    """Lay the panels out."""
    board.chosen_by(
        variable(
            "table",
            "Table",
            "SELECT t.object FROM asymm.table_health AS t ORDER BY t.bytes DESC, t.object LIMIT 500",
            "The largest first",
        )
    )
    board.line(
        9,
        (
            24,
            rows(
                "Tables",
                """SELECT t.object, t.bytes, t.rows, t.dead_share, t.scans, t.index_scans, t.written,
                   t.hot_share, t.last_vacuum, t.last_analyze,
                          t.policy, t.drifted FROM asymm.table_health AS t ORDER BY t.bytes DESC, t.object
                             LIMIT 200""",
                about="asymm.table_health, the largest first.",
                none="No tables, or none this login's database has",
                object=Field("Table", link="tables?var-table=${__value.raw}"),
                bytes=Field("Size", unit="bytes", width=100),
                rows=Field("Rows", width=100),
                dead_share=Field("Dead rows", unit="percentunit", decimals=1, width=100, warn=0.2, alarm=0.5),
                scans=Field("Scans", width=90),
                index_scans=Field("Index scans", width=100),
                written=Field("Written", width=90),
                hot_share=Field("HOT", unit="percentunit", decimals=0, width=80),
                last_vacuum=Field("Vacuumed", width=160),
                last_analyze=Field("Analyzed", width=160),
                policy=Field("Policy", width=90),
                drifted=Field("Differences", width=100, warn=1),
            ),
        ),
    )
    board.line(
        8,
        (
            8,
            plot(
                "Written",
                "table.written rows",
                about="Rows a second, all tables.",
                none=_NO_WORKLOAD,
                unit="rowsps",
                rate=True,
            ),
        ),
        (
            8,
            plot(
                "Scans",
                "table.scans sequential",
                "table.index_scans by index",
                about="A second, all tables.",
                none=_NO_WORKLOAD,
                unit="ops",
                rate=True,
            ),
        ),
        (
            8,
            picture(
                "Experiments",
                "experiments",
                about=(
                    "Index experiments as a dragon curve, a fold for each decision: left "
                    "explored, right kept."
                ),
                none="No experiments yet: SELECT * FROM asymm.autopilot('propose')",
            ),
        ),
    )
    board.line(
        8,
        (
            14,
            rows(
                "States of rows",
                """SELECT s.entity, array_to_string(s.columns, ', ') AS columns, s.rows, s.states,
                   s.transitions, s.complexity, s.explosion, s.score,
                          s.status, array_to_string(s.critique, '; ') AS critique, s.source FROM
                             asymm.state_sonar() AS s""",
                about=(
                    "asymm.state_sonar(): combinations of state columns, what leads where, rows "
                    "that are there "
                    "twice."
                ),
                none=(
                    "No table has declared state columns: SELECT asymm.track_state('shop.orders', '{status}')"
                ),
                entity=Field("Table"),
                columns=Field("Columns"),
                rows=Field("Rows", width=90),
                states=Field("States", width=80),
                transitions=Field("Changes", width=90),
                complexity=Field("Complexity", decimals=1, width=100, warn=8, alarm=10),
                explosion=Field("Explosion", decimals=2, width=100, warn=1.05),
                score=Field("Score", decimals=2, width=80),
                status=Field("Status", colored=True, width=90),
                critique=Field("Critique"),
                source=Field("Source", width=90),
            ),
        ),
        (
            10,
            rows(
                "Duplicates",
                """SELECT w.object, array_to_string(w.columns, ', ') AS columns, w.duplicates,
                    w.last_seen_at FROM asymm.watched_duplicates AS w""",
                about="asymm.watched_duplicates.",
                none=(
                    "No table is watched for duplicates: SELECT * FROM "
                    "asymm.watch_duplicates('shop.customers')"
                ),
                object=Field("Table"),
                columns=Field("Unique by"),
                duplicates=Field("Duplicates", width=100, warn=1),
                last_seen_at=Field("Looked", width=160),
            ),
        ),
    )
    board.line(
        8,
        (
            8,
            plot(
                "Written to $table",
                "table.written rows",
                about="Rows a second.",
                none=_NO_WORKLOAD,
                unit="rowsps",
                node=_NODE,
                rate=True,
            ),
        ),
        (
            8,
            plot(
                "Scans of $table",
                "table.scans sequential",
                "table.index_scans by index",
                about="A second.",
                none=_NO_WORKLOAD,
                unit="ops",
                node=_NODE,
                rate=True,
            ),
        ),
        (
            8,
            rows(
                "Touched if $table changes",
                """SELECT i.touched, i.kind, i.distance, i.attenuation, i.path FROM asymm.nodes AS n CROSS
                   JOIN LATERAL asymm.impact(n.node) AS i
                    WHERE n.node = 'entity:' || '${table}' ORDER BY i.distance, i.touched LIMIT 100""",
                about="asymm.impact(): by foreign keys, views, functions, statements and copies.",
                none="Nothing depends on it, or no graph yet: SELECT * FROM asymm.refresh_graph()",
                touched=Field("Node"),
                kind=Field("Kind", width=80),
                distance=Field("Steps", width=70),
                attenuation=Field("Strength", decimals=2, width=90),
                path=Field("Way"),
            ),
        ),
    )
    board.line(
        8,
        (
            24,
            rows(
                "What happened to $table",
                """SELECT h.at, h.event, h.what, h.by_role, h.action FROM asymm.watched AS w CROSS JOIN
                   LATERAL asymm.history(w.object) AS h
                    WHERE w.object = '${table}' AND w.kind = 'table' ORDER BY h.at DESC LIMIT 200""",
                about="asymm.history(): declared, drifted and by whom, every action, adopted.",
                none="It is not watched: SELECT * FROM asymm.watch('schema.table')",
                at=Field("When", width=180),
                event=Field("Event", width=140),
                what=Field("What"),
                by_role=Field("By", width=140),
                action=Field("Action", width=80, link="drift?var-action=${__value.raw}"),
            ),
        ),
    )
