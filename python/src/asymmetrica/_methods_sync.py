# Generated from _methods_async.py by tools/async_to_sync.py: change that, not this.
"""One method per function or view of the extension; all options are keyword-only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from . import _sql
from ._session_sync import Session
from .rows import (
    Action,
    ActionEvent,
    Annotation,
    Check,
    Command,
    Difference,
    Drift,
    Event,
    Healing,
    Heartbeat,
    Job,
    Organ,
    Policy,
    Result,
    Settings,
    State,
    Step,
    Stopped,
    Undone,
    Watched,
    WatchedObject,
)


class Methods:
    """The functions and views of schema asymm as methods.

    Every method may raise `NotInstalled`, `NotAllowed` (role lacks the right) and `ConnectionFailed`.
    """

    _session: Session

    def version(self) -> str | None:
        """Return the version of the extension in this database, None if it has none."""
        found = self._session.value(_sql.VERSION)
        return None if found is None else str(found)

    # Settings

    def settings(self) -> Settings:
        """Return the settings in force (view asymm.settings)."""
        return (self._session.rows(Settings, _sql.SETTINGS))[0]

    def configure(
        self,
        *,
        period: timedelta | None = None,
        notify: str | None = None,
        header_scan_every: timedelta | None = None,
        full_scan_every: timedelta | None = None,
        migrator_roles: Sequence[str] | None = None,
        migrator_applications: Sequence[str] | None = None,
        lock_timeout: timedelta | None = None,
        max_actions_per_hour: int | None = None,
        max_table_bytes: int | None = None,
        relapse_limit: int | None = None,
        relapse_window: timedelta | None = None,
        statement_chars: int | None = None,
        retention: timedelta | None = None,
        weight_exploration: float | None = None,
        weight_optimization: float | None = None,
        weight_stabilization: float | None = None,
    ) -> Settings:
        """Change settings and return those in force; None leaves one as it is. Raises `InvalidArgument`."""
        values = {name: value for name, value in locals().items() if name != "self"}
        for name in ("migrator_roles", "migrator_applications"):
            values[name] = None if values[name] is None else list(values[name])
        return (self._session.rows(Settings, _sql.CONFIGURE, values))[0]

    # Watched objects

    def watch(
        self,
        target: str,
        *,
        policy: Policy = "propose",
        annotation: Annotation | Mapping[str, Any] | None = None,
    ) -> list[Watched]:
        """Declare that a table is as it should be; from now on any change is drift.

        Raises `UnknownTable`, `WrongKind` (a view, a system table…), `InvalidArgument` (policy).
        """
        values = {"target": target, "policy": policy, "annotation": as_json(annotation)}
        return self._session.rows(Watched, _sql.WATCH, values)

    def watch_schema(
        self,
        schema: str,
        *,
        policy: Policy = "propose",
        annotation: Annotation | Mapping[str, Any] | None = None,
    ) -> list[Watched]:
        """Watch every table of a schema, and those that appear in it. Raises `UnknownSchema`."""
        values = {"schema": schema, "policy": policy, "annotation": as_json(annotation)}
        return self._session.rows(Watched, _sql.WATCH_SCHEMA, values)

    def watch_database(
        self, *, policy: Policy = "propose", annotation: Annotation | Mapping[str, Any] | None = None
    ) -> list[Watched]:
        """Watch everything in the database, also what lives in no schema, and what appears in it.

        Raises `NotAllowed` unless you may act for every owner, `InvalidArgument` (policy).
        """
        values = {"policy": policy, "annotation": as_json(annotation)}
        return self._session.rows(Watched, _sql.WATCH_DATABASE, values)

    def unwatch(self, target: str) -> list[Watched]:
        """Forget a watched table, which may be gone already. Raises `NotWatched`."""
        return self._session.rows(Watched, _sql.UNWATCH, {"target": target})

    def unwatch_schema(self, schema: str) -> list[Watched]:
        """Forget a schema watched as a whole, and its tables."""
        return self._session.rows(Watched, _sql.UNWATCH_SCHEMA, {"schema": schema})

    def unwatch_database(self) -> list[Watched]:
        """Forget the database watched as a whole, and what was watched through it. Raises `NotWatched`."""
        return self._session.rows(Watched, _sql.UNWATCH_DATABASE)

    def watched(self) -> list[WatchedObject]:
        """Return the watched objects (view asymm.watched)."""
        return self._session.rows(WatchedObject, _sql.WATCHED)

    def adopt(self, target: str, *, reason: str | None = None) -> list[Difference]:
        """Accept an object as it is now; returns what became the declared state. Raises `NotWatched`."""
        return self._session.rows(Difference, _sql.ADOPT, {"target": target, "reason": reason})

    def fingerprint(self, target: str) -> str:
        """Return the SHA-256 fingerprint (64 hex digits) of a table as it is now."""
        return str(self._session.value(_sql.FINGERPRINT, {"target": target}))

    def fingerprint_schema(self, schema: str) -> str:
        """Return the fingerprint over a schema and everything in it."""
        return str(self._session.value(_sql.FINGERPRINT_SCHEMA, {"schema": schema}))

    def fingerprint_database(self) -> str:
        """Return the fingerprint over everything in the database; equal schemas have equal fingerprints."""
        return str(self._session.value(_sql.FINGERPRINT_DATABASE))

    # Drift and ledger

    def drift(self, *, target: str | None = None, resolved: bool = False) -> list[Drift]:
        """Return the open differences, oldest first; `resolved` adds those mended, adopted or gone."""
        return self._session.rows(Drift, _sql.DRIFT, {"target": target, "resolved": resolved})

    def actions(self, *, target: str | None = None, state: str | None = None) -> list[Action]:
        """Return the ledger, oldest first (view asymm.actions)."""
        return self._session.rows(Action, _sql.ACTIONS, {"target": target, "state": state})

    def action_history(self, action: int) -> list[ActionEvent]:
        """Return every state an action was in. Raises `UnknownObject`."""
        return self._session.rows(ActionEvent, _sql.ACTION_HISTORY, {"action": action})

    def history(self, target: str) -> list[Event]:
        """Return what happened to an object, also one that is renamed or gone, oldest first.

        `schema.table.column` tells of one part. Raises `UnknownObject`, `NotWatched`.
        """
        return self._session.rows(Event, _sql.HISTORY, {"target": target})

    def ddl(self, *, since: datetime | None = None) -> list[Command]:
        """Return the log of DDL commands, oldest first (view asymm.ddl)."""
        return self._session.rows(Command, _sql.DDL, {"since": since})

    def heal(self, target: str, *, dry_run: bool = False, allow_data_loss: bool = False) -> list[Step]:
        """Repair a watched object now, with the caller's rights; returns the statements run, or to be run.

        A repair that fails, or would delete data without `allow_data_loss`, changes nothing and is kept in
        the ledger: its steps have the state failed or proposed, and `actions()` has the error. Raises
        `NotWatched`, `HealingPaused`, `NotAllowed`.
        """
        values = {"target": target, "dry_run": dry_run, "allow_data_loss": allow_data_loss}
        return self._session.rows(Step, _sql.HEAL, values)

    def approve(self, action: int) -> list[State]:
        """Approve a proposed action. Raises `UnknownObject`, `WrongState`, `StalePlan`."""
        return self._session.rows(State, _sql.APPROVE, {"action": action})

    def reject(self, action: int, *, reason: str | None = None) -> list[State]:
        """Reject a proposed action. Raises `UnknownObject`, `WrongState`."""
        return self._session.rows(State, _sql.REJECT, {"action": action, "reason": reason})

    def revert(self, action: int, *, dry_run: bool = False, allow_data_loss: bool = False) -> list[Undone]:
        """Undo an applied action by its inverse statements, or an adoption; returns the statements.

        `heal_all()`'s actions too, and all or nothing. Later actions that build on it have to be
        undone first: a `StalePlan` names them in order.

        Raises `UnknownObject`, `WrongState`, `StalePlan`, `HealingPaused`.
        """
        values = {"action": action, "dry_run": dry_run, "allow_data_loss": allow_data_loss}
        return self._session.rows(Undone, _sql.REVERT, values)

    # Pulse

    def create_actor(self, name: str, *, owner: str) -> list[Result]:
        """Make the login that runs the pulse: member of that one owner; returns what was done."""
        return self._session.rows(Result, _sql.CREATE_ACTOR, {"name": name, "owner": owner})

    def start(self, actor: str, *, forced: bool = False) -> list[Job]:
        """Have pg_cron run the pulse as a login role, from the next full minute on; returns the jobs.

        `forced` allows the actor other sessions. Raises `UnfitActor`, `PulseUnavailable`.
        """
        return self._session.rows(Job, _sql.START, {"actor": actor, "forced": forced})

    def stop(self, actor: str | None = None) -> list[Stopped]:
        """Stop the pulse of an actor, or of all; returns what was unscheduled and ended."""
        return self._session.rows(Stopped, _sql.STOP, {"actor": actor})

    def pause(self, reason: str) -> Healing:
        """Repair nothing until resume(); drift is still noticed."""
        return (self._session.rows(Healing, _sql.PAUSE, {"reason": reason}))[0]

    def resume(self) -> Healing:
        """Allow repairs again, here: also says that this place (after a restore or clone) is right."""
        return (self._session.rows(Healing, _sql.RESUME))[0]

    def beat(self) -> Any:
        """Run one beat of the fast lane now, in the caller's transaction; returns what happened."""
        return self._session.value(_sql.BEAT)

    def cycle(self) -> Any:
        """Run one round of the slow lane now, in the caller's transaction; returns what happened."""
        return self._session.value(_sql.CYCLE)

    def heartbeat(self) -> list[Heartbeat]:
        """Return the loops and how they beat (view asymm.heartbeat)."""
        return self._session.rows(Heartbeat, _sql.HEARTBEAT)

    def doctor(self) -> list[Check]:
        """Check settings, extensions, roles, jobs, loops and organs."""
        return self._session.rows(Check, _sql.DOCTOR)

    def organs(self) -> list[Organ]:
        """Return the recurring jobs and their running cost (view asymm.organs)."""
        return self._session.rows(Organ, _sql.ORGANS)

    def configure_organ(
        self, name: str, *, enabled: bool | None = None, cadence: timedelta | None = None
    ) -> list[Organ]:
        """Switch an organ on or off, or change its cadence; None leaves it. Raises `UnknownObject`."""
        values = {"name": name, "enabled": enabled, "cadence": cadence}
        return self._session.rows(Organ, _sql.CONFIGURE_ORGAN, values)


def as_json(annotation: Annotation | Mapping[str, Any] | None) -> Jsonb | None:
    """Return an annotation as the JSON the extension reads."""
    if annotation is None:
        return None
    if isinstance(annotation, Annotation):
        return Jsonb(annotation.to_json())
    return Jsonb(dict(annotation))
