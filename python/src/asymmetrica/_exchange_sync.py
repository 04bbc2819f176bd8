# Generated from _exchange_async.py by tools/async_to_sync.py: change that, not this.
"""Methods for everything at once and for other databases: documents, differences, the fleet."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from . import _sql
from ._session_sync import Session
from .rows import (
    Approved,
    Baseline,
    Definition,
    Deviation,
    FleetMember,
    Imported,
    ImportedBaseline,
    ObjectStep,
    Policy,
)

Document = Baseline | Mapping[str, Any] | str


class Exchange:
    """The functions of schema asymm by which databases are compared and made alike."""

    _session: Session

    def heal_all(self, *, dry_run: bool = False, allow_data_loss: bool = False) -> list[ObjectStep]:
        """Bring everything watched back to the baseline in one plan and one transaction.

        Runs with your rights; `dry_run` only shows the statements. Steps that would delete data come back
        with state withheld unless `allow_data_loss`. An empty list: nothing differs. A repair that fails
        is recorded, not raised: its steps have the state failed. Raises `HealingPaused`.
        """
        values = {"dry_run": dry_run, "allow_data_loss": allow_data_loss}
        return self._session.rows(ObjectStep, _sql.HEAL_ALL, values)

    def baseline(self) -> Baseline:
        """Return what is declared, as one document for other databases; with no objects if nothing is."""
        return (self._session.rows(Baseline, _sql.BASELINE))[0]

    def present_state(self) -> Baseline:
        """Return the whole database as it is now, as such a document; nothing is declared or written."""
        return (self._session.rows(Baseline, _sql.PRESENT_STATE))[0]

    def diff(self, baseline: Document) -> list[Deviation]:
        """Return how this database differs from a document of another; changes nothing.

        The document is a `Baseline`, its JSON text or what that decodes to. Raises `InvalidArgument`.
        """
        return self._session.rows(Deviation, _sql.DIFF, {"document": as_text(baseline)})

    def import_baseline(self, baseline: Document) -> Imported:
        """Keep the document of another database as data; nothing of it is declared or run until approved.

        Raises `InvalidArgument` for what is no baseline, or names roles and types that are not here.
        """
        values = {"document": as_text(baseline)}
        return (self._session.rows(Imported, _sql.IMPORT_BASELINE, values))[0]

    def imported(self) -> list[ImportedBaseline]:
        """Return the documents taken in and former baselines, oldest first (view asymm.imported)."""
        return self._session.rows(ImportedBaseline, _sql.IMPORTED)

    def imported_definitions(self, fingerprint: str) -> list[Definition]:
        """Return every text of a document that would be run once it is approved. Raises `UnknownObject`."""
        values = {"fingerprint": fingerprint}
        return self._session.rows(Definition, _sql.IMPORTED_DEFINITIONS, values)

    def approve_baseline(self, fingerprint: str, *, policy: Policy = "propose") -> list[Approved]:
        """Make an imported document the baseline; what was declared is kept as an imported one.

        New objects get the policy. Raises `UnknownObject`, `InvalidArgument`, and `NotAllowed` unless you
        may act for every owner in it.
        """
        values = {"fingerprint": fingerprint, "policy": policy}
        return self._session.rows(Approved, _sql.APPROVE_BASELINE, values)

    def discard_baseline(self, fingerprint: str) -> int:
        """Throw an imported document away; returns how many objects it had. Raises `UnknownObject`."""
        return int(self._session.value(_sql.DISCARD_BASELINE, {"fingerprint": fingerprint}))

    def fleet(self) -> list[FleetMember]:
        """Return the databases that were reported here, and which of them are the same (view asymm.fleet)."""
        return self._session.rows(FleetMember, _sql.FLEET)

    def report_to_fleet(self, name: str, fingerprint: str, *, label: str | None = None) -> FleetMember:
        """Write down here what `fingerprint_database()` returned in another database.

        The label is for people and must not hold a password. Raises `InvalidArgument`.
        """
        values = {"name": name, "fingerprint": fingerprint, "label": label}
        return (self._session.rows(FleetMember, _sql.REPORT_TO_FLEET, values))[0]

    def leave_fleet(self, name: str) -> bool:
        """Forget a database of the fleet; False if there was none of that name."""
        return bool(self._session.value(_sql.LEAVE_FLEET, {"name": name}))


def as_text(baseline: Document) -> str:
    """Return a baseline as JSON text."""
    if isinstance(baseline, Baseline):
        return baseline.document
    return baseline if isinstance(baseline, str) else json.dumps(dict(baseline))
