"""Drift and actions: what is no longer as declared, who did it, what mends it, and what was done."""

from ..board import Board
from ..panels import Field, figures, picture, plot, rows, variable

NAME, TITLE, REFRESH = "drift", "Drift and actions", "5s"
ABOUT = (
    "What differs from what was declared, and the ledger of every change. Approve, reject and "
    "revert in psql, in "
    "`asymmetrica top` or on the page of `asymmetrica dashboard`: Grafana only shows."
)


def fill(board: Board) -> None:
    """Lay the panels out."""
    board.chosen_by(
        variable(
            "action",
            "Action",
            """SELECT a.id::text AS __value, a.id || ' ' || a.kind || ' ' || a.target AS __text
                 FROM asymm.actions AS a ORDER BY a.changed_at DESC, a.id DESC LIMIT 200""",
            "The last first",
        )
    )
    board.line(
        4,
        (
            24,
            figures(
                "Now",
                """SELECT v.watched AS "Watched", v.drifted AS "Differences", v.proposals AS "Proposals",
                   v.running AS "Under way",
                          v.failed AS "Failed in a day", v.rate AS "Beats a second", EXTRACT(epoch FROM
                          v.beat_age)::float8 AS "Last beat"
                     FROM asymm.vitals AS v""",
                about="asymm.vitals.",
                none="none",
                fields={
                    "Differences": Field(warn=1),
                    "Failed in a day": Field(warn=1),
                    "Beats a second": Field(decimals=2),
                    "Last beat": Field(unit="s", warn=2, alarm=10),
                },
            ),
        ),
    )
    board.line(
        10,
        (
            8,
            picture(
                "Heartbeat",
                "heartbeat",
                about="A ring of what is watched, open where something drifted.",
                none="Nothing is watched: SELECT * FROM asymm.watch_database()",
            ),
        ),
        (
            16,
            rows(
                "Drift",
                """SELECT d.noticed_at, d.object, d.part, d.name, d.attribute, d.role, d.state, d.policy,
                   d.repair,
                          array_to_string(d.hazards, ', ') AS hazards, d.action, d.reason, d.found_by
                     FROM asymm.drift AS d ORDER BY d.resolved_at IS NOT NULL, d.noticed_at DESC, d.id
                        DESC LIMIT 200""",
                about="asymm.drift, open first: what differs, who did it, what mends it.",
                none=(
                    "Everything is as declared. If nothing is watched yet: SELECT * FROM "
                    "asymm.watch_database()"
                ),
                noticed_at=Field("Noticed", width=180),
                object=Field("Object"),
                part=Field("Part", width=90),
                name=Field("Name"),
                attribute=Field("What", width=100),
                role=Field("By"),
                state=Field("State", colored=True, width=90),
                policy=Field("Policy", width=80),
                repair=Field("Repair", width=320),
                hazards=Field("Hazards"),
                action=Field("Action", width=80, link="drift?var-action=${__value.raw}"),
                reason=Field("Reason"),
                found_by=Field("Found by", width=90),
            ),
        ),
    )
    board.line(
        9,
        (
            24,
            rows(
                "Actions",
                """SELECT a.id, a.changed_at, a.kind, a.target, a.state, array_to_string(a.statements,
                   E';\\n') AS statements,
                          array_to_string(a.inverse, E';\\n') AS inverse, array_to_string(a.hazards, ', ')
                          AS hazards, a.requested_by,
                          a.applied_by, a.duration_ms, a.tries, a.reason
                     FROM asymm.actions AS a ORDER BY a.changed_at DESC, a.id DESC LIMIT 200""",
                about=(
                    "asymm.actions, the ledger: what is done and what takes it back. "
                    "asymm.approve(), reject(),"
                    " revert() decide."
                ),
                none="Nothing was proposed or done yet",
                id=Field("Action", width=80, link="drift?var-action=${__value.raw}"),
                changed_at=Field("Changed", width=180),
                kind=Field("Kind", width=110),
                target=Field("Target"),
                state=Field("State", colored=True, width=100),
                statements=Field("Statements", width=320),
                inverse=Field("Taken back by", width=240),
                hazards=Field("Hazards"),
                requested_by=Field("Asked by"),
                applied_by=Field("Done by"),
                duration_ms=Field("Took", unit="ms", width=90),
                tries=Field("Tries", width=70),
                reason=Field("Reason"),
            ),
        ),
    )
    board.line(
        7,
        (
            12,
            rows(
                "Action $action",
                """SELECT h.at, h.from_state, h.to_state, h.by_role, h.note
                     FROM asymm.actions AS a CROSS JOIN LATERAL asymm.action_history(a.id) AS h WHERE
                        a.id::text = '${action}' ORDER BY h.at""",
                about="asymm.action_history(): every state it was in.",
                none="Choose an action above",
                at=Field("When", width=180),
                from_state=Field("From", width=110),
                to_state=Field("To", colored=True, width=110),
                by_role=Field("By"),
                note=Field("Note"),
            ),
        ),
        (
            12,
            rows(
                "Who ran which DDL",
                """SELECT d.at, d.role, d.login, d.application, d.command_tag, array_to_string(d.objects,
                   ', ') AS objects, d.intent, d.action
                     FROM asymm.ddl AS d WHERE $__timeFilter(d.at) ORDER BY d.at DESC, d.id DESC LIMIT 200""",
                about=(
                    "asymm.ddl, the log of the event triggers, in the time range above. Texts of "
                    "statements are"
                    " for operators."
                ),
                none="No DDL in this time range",
                at=Field("When", width=180),
                role=Field("Role"),
                login=Field("Login"),
                application=Field("Application"),
                command_tag=Field("Command"),
                objects=Field("Objects"),
                intent=Field("Intent"),
                action=Field("Action", width=80, link="drift?var-action=${__value.raw}"),
            ),
        ),
    )
    board.line(
        8,
        (
            12,
            rows(
                "Watched",
                """SELECT w.object, w.kind, w.policy, w.in_step, w.held, w.watched_by, w.watched_at,
                   w.checked_at
                     FROM asymm.watched AS w ORDER BY w.in_step, w.object LIMIT 500""",
                about="asymm.watched: what is declared, what is not in step first.",
                none="Nothing is watched: SELECT * FROM asymm.watch_database()",
                object=Field("Object"),
                kind=Field("Kind", width=90),
                policy=Field("Policy", width=90),
                in_step=Field("As declared", width=100),
                held=Field("Held"),
                watched_by=Field("By"),
                watched_at=Field("Since", width=160),
                checked_at=Field("Checked", width=160),
            ),
        ),
        (
            12,
            plot(
                "Working time of the pulse",
                "beat.work_ms beats",
                "organ.ms organs",
                about="Milliseconds a second that the system itself works: 10 are a hundredth of a core.",
                none="Not measured yet: the organ telemetry samples each minute once asymm.start() runs",
                unit="ms",
                rate=True,
            ),
        ),
    )
