"""Health: one verdict, what pulls it down, and where to look next."""

from ..board import Board
from ..panels import Field, figures, picture, plot, rows

NAME, TITLE, REFRESH = "health", "Health", "30s"
ABOUT = "One verdict, its arithmetic, and where to look next. Figures come from views of the extension."

_NO_PULSE = "Nothing beats here: SELECT * FROM asymm.start('asymm_actor')"
_NO_SCORES = (
    "Not measured yet: the sonars record scores once asymm.start() runs and pg_stat_statements is loaded"
)


def fill(board: Board) -> None:
    """Lay the panels out."""
    board.line(
        4,
        (
            5,
            figures(
                "Verdict",
                "SELECT v.status FROM asymm.verdict AS v",
                about="asymm.verdict: good, fair, warning, critical, or unknown.",
                none="No verdict: is the extension installed?",
                text=True,
            ),
        ),
        (
            19,
            figures(
                "In one sentence",
                "SELECT v.headline FROM asymm.verdict AS v",
                about="asymm.verdict: the worst reasons first.",
                none="No verdict: is the extension installed?",
                text=True,
            ),
        ),
    )
    board.line(
        4,
        (
            10,
            figures(
                "Scores of the last hour",
                """SELECT v.shm AS "System health", v.ux AS "UX", v.semantic AS "Semantic", v.state AS "State"
                     FROM asymm.verdict AS v""",
                about=(
                    "0 to 1; from 0.85 excellent, from 0.70 ok, from 0.50 a warning. What isn't measured is "
                    "empty, not 0."
                ),
                none="not measured",
                fields={
                    name: Field(decimals=2, warn=0.7, alarm=0.5)
                    for name in ("System health", "UX", "Semantic", "State")
                },
            ),
        ),
        (
            14,
            figures(
                "Open now",
                """SELECT v.drifted AS "Differences", v.proposals AS "Proposals", v.failed AS "Failed in a
                   day",
                          v.critical AS "Critical findings", v.warnings AS "Warnings", v.alerts AS "Alerts"
                     FROM asymm.vitals AS v""",
                about=(
                    "asymm.vitals. A difference is what is no longer as declared; a proposal waits for a "
                    "decision."
                ),
                none="none",
                fields={
                    "Differences": Field(warn=1, link="drift"),
                    "Proposals": Field(link="drift"),
                    "Failed in a day": Field(warn=1, link="drift"),
                    "Critical findings": Field(alarm=1),
                    "Warnings": Field(warn=1),
                    "Alerts": Field(warn=1),
                },
            ),
        ),
    )
    board.line(
        9,
        (
            12,
            picture(
                "Heartbeat",
                "heartbeat",
                about="A ring of what is watched, open where something drifted.",
                none="Nothing is watched: SELECT * FROM asymm.watch_database()",
            ),
        ),
        (
            12,
            picture(
                "Telemetry",
                "telemetry",
                about="System health over the last hour as a golden spiral; thickness tells the load.",
                none=_NO_SCORES,
            ),
        ),
    )
    board.line(
        7,
        (
            12,
            rows(
                "What pulls it down",
                """SELECT r.reason AS "Reason" FROM asymm.verdict AS v
                    CROSS JOIN LATERAL unnest(v.reasons) WITH ORDINALITY AS r (reason, place) ORDER BY
                       r.place""",
                about="Reasons of the verdict, the worst first.",
                none="Nothing pulls the verdict down",
            ),
        ),
        (
            12,
            rows(
                "What is not measured",
                """SELECT n.what AS "Not measured" FROM asymm.verdict AS v
                    CROSS JOIN LATERAL unnest(v.not_measured) WITH ORDINALITY AS n (what, place) ORDER BY
                       n.place""",
                about="A score that isn't measured counts neither as good nor as bad.",
                none="Everything is measured",
            ),
        ),
    )
    board.line(
        8,
        (
            12,
            plot(
                "Scores",
                "score.shm system health",
                "score.ux UX",
                "score.semantic Semantic",
                "score.state State",
                about="Recorded by the sonars.",
                none=_NO_SCORES,
                unit="percentunit",
                most=1,
            ),
        ),
        (
            12,
            plot(
                "Beats",
                "beat.interval_p50 median",
                "beat.interval_p99 p99",
                "beat.interval_max longest",
                about="Time between two beats; 203.7 ms is meant.",
                none=_NO_PULSE,
                unit="ms",
            ),
        ),
    )
    board.line(
        8,
        (
            24,
            rows(
                "What the figure is made of",
                """SELECT e.term, e.value, e.weight, e.adds, e.source, e.query AS "Rows behind it"
                     FROM asymm.explain_score('shm') AS e""",
                about=(
                    "asymm.explain_score('shm'): value times weight is what a term adds; the query shows its "
                    "rows."
                ),
                none=_NO_SCORES,
                term=Field("Term", width=220),
                value=Field("Value", decimals=3, width=90),
                weight=Field("Weight", decimals=3, width=90),
                adds=Field("Adds", decimals=3, width=90),
                source=Field("Source"),
            ),
        ),
    )
    board.line(
        8,
        (
            14,
            rows(
                "Findings",
                """SELECT f.severity, f.sonar, f.node, f.seen, f.recommended, f.action, f.opened_at
                     FROM asymm.findings AS f LIMIT 200""",
                about="asymm.findings: what the sonars find wrong now.",
                none="No findings",
                severity=Field("Severity", colored=True, width=90),
                sonar=Field("Sonar", width=90),
                node=Field("Where"),
                seen=Field("Seen"),
                recommended=Field("Recommended"),
                action=Field("Action", width=80, link="drift?var-action=${__value.raw}"),
                opened_at=Field("Since", width=160),
            ),
        ),
        (
            10,
            rows(
                "Alerts",
                """SELECT a.severity, a.about AS node, a.seen, a.opened_at, a.acknowledged_by,
                   a.closed_at, a.waiting, a.dead
                     FROM asymm.alerts AS a ORDER BY a.closed_at IS NOT NULL, a.opened_at DESC, a.id DESC
                        LIMIT 100""",
                about="asymm.alerts, open first. Rules are made by asymm.alert_on().",
                none="No alerts. Without a rule there are none: asymm.alert_on()",
                severity=Field("Severity", colored=True, width=90),
                node=Field("About"),
                seen=Field("Seen"),
                opened_at=Field("Opened", width=160),
                acknowledged_by=Field("Acknowledged by"),
                closed_at=Field("Closed", width=160),
                waiting=Field("To send", width=80),
                dead=Field("Undeliverable", width=110, alarm=1),
            ),
        ),
    )
    board.line(
        8,
        (
            12,
            rows(
                "Promises",
                "SELECT p.promise, p.target, p.measured, p.unit, p.met, p.note FROM asymm.validate() AS p",
                about=(
                    "asymm.validate(): every promise with its target; empty and why where nothing"
                    " was measured."
                ),
                none="No promises",
                promise=Field("Promise"),
                target=Field("Target", width=110),
                measured=Field("Measured", decimals=3, width=100),
                unit=Field("Unit", width=90),
                met=Field("Kept", width=70),
                note=Field("Note"),
            ),
        ),
        (
            12,
            rows(
                "Doctor",
                """SELECT d.check_name, d.status, d.seen, d.remedy FROM asymm.doctor() AS d""",
                about="asymm.doctor(): settings, roles and jobs, and the command that mends what is missing.",
                none="Nothing to mend",
                check_name=Field("Check"),
                status=Field("Status", colored=True, width=80),
                seen=Field("Seen"),
                remedy=Field("Remedy"),
            ),
        ),
    )
    board.line(
        8,
        (
            12,
            rows(
                "Loops",
                """SELECT h.actor, h.lane, h.alive, h.rate, h.rate_wanted, h.interval_p99_ms,
                   h.work_mean_ms, h.missed_last_minute,
                          EXTRACT(epoch FROM h.age)::float8 AS age, h.paused FROM asymm.heartbeat AS h""",
                about="asymm.heartbeat: each loop, how it beats, and whether repairs are paused.",
                none=_NO_PULSE,
                actor=Field("Actor"),
                lane=Field("Lane", width=70),
                alive=Field("Alive", width=70),
                rate=Field("Beats a second", decimals=3),
                rate_wanted=Field("Meant", decimals=3, width=80),
                interval_p99_ms=Field("p99", unit="ms", width=90),
                work_mean_ms=Field("Work", unit="ms", width=90),
                missed_last_minute=Field("Missed", width=80, warn=1),
                age=Field("Last beat", unit="s", width=90),
                paused=Field("Repairs paused"),
            ),
        ),
        (
            12,
            rows(
                "Organs",
                """SELECT o.name, o.lane, o.regime, o.enabled, o.runs, o.failures_in_row, o.mean_ms,
                   o.share, o.last_run_at, o.purpose
                     FROM asymm.organs AS o ORDER BY o.failures_in_row DESC, o.total_ms DESC NULLS LAST,
                        o.name""",
                about="asymm.organs: the recurring jobs. One that fails is held back and shown here first.",
                none="No organs",
                name=Field("Organ"),
                lane=Field("Lane", width=70),
                regime=Field("Regime"),
                enabled=Field("On", width=60),
                runs=Field("Runs", width=80),
                failures_in_row=Field("Failures in a row", width=120, alarm=1),
                mean_ms=Field("Mean", unit="ms", width=90),
                share=Field("Share", unit="percentunit", width=90),
                last_run_at=Field("Last", width=160),
                purpose=Field("Purpose"),
            ),
        ),
    )
