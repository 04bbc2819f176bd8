"""Queries: which statements take the time, how they grow, and what would help them."""

from ..board import Board
from ..panels import Field, figures, plot, rows, variable

NAME, TITLE, REFRESH = "queries", "Queries", "30s"
ABOUT = (
    "Statements of the workload by number. Their texts are for operators: "
    "SELECT statement FROM asymm.queries WHERE query = …"
)

_NO_WORKLOAD = "Nothing counted yet: needs pg_stat_statements, and asymm.start() with the organ workload"
_NODE = "'query:' || '${query}'"


def fill(board: Board) -> None:
    """Lay the panels out."""
    board.chosen_by(
        variable(
            "query",
            "Query",
            """SELECT q.query::text AS __value, q.query || ' ' || COALESCE(q.command, '?') AS __text
                 FROM asymm.queries AS q ORDER BY q.exec_ms DESC NULLS LAST LIMIT 100""",
            "The costliest of the week first",
        )
    )
    board.line(
        8,
        (
            8,
            plot(
                "Calls",
                "query.calls calls",
                about="A second, all statements.",
                none=_NO_WORKLOAD,
                unit="ops",
                rate=True,
            ),
        ),
        (
            8,
            plot(
                "Time",
                "query.exec_ms executing",
                about="Milliseconds of execution a second, all statements: 1,000 keep one core busy.",
                none=_NO_WORKLOAD,
                unit="ms",
                rate=True,
            ),
        ),
        (
            8,
            plot("Time a call", "query.mean_ms mean", about="All statements.", none=_NO_WORKLOAD, unit="ms"),
        ),
    )
    board.line(
        9,
        (
            12,
            rows(
                "What takes the time",
                """SELECT s.query, s.role, s.command, s.calls, s.mean_ms, s.exec_ms, s.share, s.why FROM
                    asymm.slow_queries AS s LIMIT 100""",
                about="asymm.slow_queries of the week, and why each stands there.",
                none="No slow statements, or nothing counted: needs pg_stat_statements and asymm.start()",
                query=Field("Query", width=80, link="queries?var-query=${__value.raw}"),
                role=Field("Role"),
                command=Field("Command", width=90),
                calls=Field("Calls", width=90),
                mean_ms=Field("Mean", unit="ms", width=90),
                exec_ms=Field("Total", unit="ms", width=100),
                share=Field("Share", unit="percentunit", bar=True),
                why=Field("Why"),
            ),
        ),
        (
            12,
            rows(
                "Latency of the last hour",
                """SELECT l.query, l.role, l.calls, l.mean_ms, l.p50_ms, l.p95_ms, l.p99_ms, l.usual_ms,
                   l.source
                     FROM asymm.query_latency AS l ORDER BY l.calls * l.mean_ms DESC NULLS LAST LIMIT 100""",
                about=(
                    "asymm.query_latency: source says whether percentiles are measured or those "
                    "of a lognormal."
                ),
                none=_NO_WORKLOAD,
                query=Field("Query", width=80, link="queries?var-query=${__value.raw}"),
                role=Field("Role"),
                calls=Field("Calls", width=90),
                **{
                    name: Field(title, unit="ms", width=90)
                    for name, title in (
                        ("mean_ms", "Mean"),
                        ("p50_ms", "p50"),
                        ("p95_ms", "p95"),
                        ("p99_ms", "p99"),
                        ("usual_ms", "Usual"),
                    )
                },
                source=Field("Source"),
            ),
        ),
    )
    board.line(
        8,
        (
            12,
            rows(
                "Became slower or faster",
                """SELECT c.query, c.kind, c.changed_at, c.before_ms, c.after_ms, c.ratio, c.calls,
                   c.lost_ms, c.detail
                     FROM asymm.latency_changes() AS c ORDER BY c.lost_ms DESC NULLS LAST LIMIT 100""",
                about="asymm.latency_changes(): told from noise and from the rhythm of the day.",
                none="No statement changed its latency",
                query=Field("Query", width=80, link="queries?var-query=${__value.raw}"),
                kind=Field("Change"),
                changed_at=Field("When", width=160),
                before_ms=Field("Before", unit="ms", width=90),
                after_ms=Field("After", unit="ms", width=90),
                ratio=Field("Ratio", decimals=2, width=80),
                calls=Field("Calls", width=90),
                lost_ms=Field("Lost", unit="ms", width=90),
                detail=Field("Detail"),
            ),
        ),
        (
            12,
            rows(
                "How they grow",
                """SELECT c.query, c.role, c.command, c.cost::text AS cost, c.place, c.node, c.relation,
                   c.confirmed, c.not_planned
                     FROM asymm.query_costs AS c ORDER BY c.cost DESC NULLS LAST, c.query LIMIT 100""",
                about="asymm.query_costs: the complexity class by the plan, and where it comes from.",
                none="No plan was looked at yet: the organ plans needs asymm.start()",
                query=Field("Query", width=80, link="queries?var-query=${__value.raw}"),
                role=Field("Role"),
                command=Field("Command", width=90),
                cost=Field("Class", width=100),
                place=Field("Place"),
                node=Field("By"),
                relation=Field("Table"),
                confirmed=Field("Confirmed", width=90),
                not_planned=Field("Not planned because"),
            ),
        ),
    )
    board.line(
        8,
        (
            24,
            rows(
                "Index advice",
                """SELECT a.action, a.kind, a.target, a.index, a.state, a.predicted_ms_per_hour,
                   a.measured_ms_per_hour, a.confidence, a.proved,
                          a.size_bytes, a.why, a.reason, a.problem
                     FROM asymm.advice AS a ORDER BY a.changed_at DESC, a.action DESC LIMIT 100""",
                about="asymm.advice: gain predicted and measured; why says also why there is none.",
                none=(
                    "No advice: SELECT * FROM asymm.advise() asks now; asymm.autopilot('propose')"
                    " searches by "
                    "itself"
                ),
                action=Field("Action", width=80, link="drift?var-action=${__value.raw}"),
                kind=Field("Kind"),
                target=Field("Table", link="tables?var-table=${__value.raw}"),
                index=Field("Index"),
                state=Field("State", colored=True, width=100),
                predicted_ms_per_hour=Field("Predicted", unit="ms", width=100),
                measured_ms_per_hour=Field("Measured", unit="ms", width=100),
                confidence=Field("Confidence", decimals=2, width=100),
                proved=Field("Proved", width=80),
                size_bytes=Field("Size", unit="bytes", width=90),
                why=Field("Why"),
                reason=Field("Reason"),
                problem=Field("Problem"),
            ),
        ),
    )
    board.line(
        5,
        (
            24,
            figures(
                "Query $query",
                """SELECT q.calls AS "Calls", q.mean_ms AS "Mean", q.exec_ms AS "Total", q.share AS "Share
                   of all time", q.rows AS "Rows",
                          q.blocks_read AS "Blocks read", q.temp_blocks AS "Temporary blocks",
                          q.wal_bytes::float8 AS "WAL"
                     FROM asymm.queries AS q WHERE q.query::text = '${query}'""",
                about="asymm.queries of the week.",
                none="Choose a query above",
                fields={
                    "Mean": Field(unit="ms"),
                    "Total": Field(unit="ms"),
                    "Share of all time": Field(unit="percentunit", decimals=1),
                    "WAL": Field(unit="bytes"),
                },
            ),
        ),
    )
    board.line(
        8,
        (
            8,
            plot(
                "Calls of query $query",
                "query.calls calls",
                about="A second.",
                none=_NO_WORKLOAD,
                unit="ops",
                node=_NODE,
                rate=True,
            ),
        ),
        (
            8,
            plot(
                "Time a call of query $query",
                "query.mean_ms mean",
                about="Mean.",
                none=_NO_WORKLOAD,
                unit="ms",
                node=_NODE,
            ),
        ),
        (
            8,
            rows(
                "Way of query $query",
                """SELECT r.role, r.node, r.state, r.ms, r.success, r.best, r.remark
                     FROM asymm.queries AS q CROSS JOIN LATERAL asymm.route(q.query) AS r WHERE
                     q.query::text = '${query}'
                    ORDER BY r.place""",
                about="asymm.route(): what it reads and writes, and which route answers it best.",
                none="Nothing is known of the way of this query: the organ graph needs a plan of it",
                role=Field("Part"),
                node=Field("Node"),
                state=Field("State", colored=True),
                ms=Field("Time", unit="ms", width=90),
                success=Field("Success", unit="percentunit", width=90),
                best=Field("Best", width=70),
                remark=Field("Remark"),
            ),
        ),
    )
