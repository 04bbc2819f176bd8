# Generated from _privacy_async.py by tools/async_to_sync.py: change that, not this.
"""Methods for privacy: protected columns, the audit, erasure. Hashing is in `asymmetrica.privacy`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from . import _sql_privacy as _sql
from ._session_sync import Session
from .rows import AuditState, Erased, ErasedAgain, Protected, Protection, Unhashed


class Privacy:
    """The functions of schema asymm that keep personal data where it belongs."""

    _session: Session

    def protected(self) -> list[Protected]:
        """Return the columns declared sensitive."""
        return self._session.rows(Protected, _sql.PROTECTED)

    def protect(self, target: str, column: str, *, method: str = "mask") -> Protection:
        """Declare a column sensitive; `method` (hash, mask, deny) is what a masked view shows of it.

        Raises `UnknownTable`, `UnknownColumn`, `WrongKind`, `InvalidArgument`, `NotAllowed`,
        `NotMirrorable`, `ProtectedColumn`.
        """
        values = {"target": target, "column": column, "method": method}
        return (self._session.rows(Protection, _sql.PROTECT, values))[0]

    def unprotect(self, target: str, column: str) -> Protection:
        """Take that back. Raises `UnknownObject`, `AmbiguousName`, `NotAllowed`."""
        values = {"target": target, "column": column}
        return (self._session.rows(Protection, _sql.UNPROTECT, values))[0]

    def create_masked_view(self, target: str, *, view: str | None = None) -> str:
        """Make the view of a table that readers may see; return its name.

        Raises `UnknownTable`, `WrongKind`, `InvalidArgument`, `NotAllowed`.
        """
        return str(self._session.value(_sql.CREATE_MASKED_VIEW, {"target": target, "view": view}))

    def unhashed(self, target: str) -> list[Unhashed]:
        """Return how many values of columns protected by method hash are no tokens.

        Raises `UnknownTable`, `WrongKind`.
        """
        return self._session.rows(Unhashed, _sql.UNHASHED, {"target": target})

    def audit(self, action: str, thing: str, *, detail: Mapping[str, Any] | None = None) -> None:
        """Add an entry of your own to the audit: what was looked at, and why. Raises `InvalidArgument`."""
        values = {"action": action, "thing": thing, "detail": json.dumps(detail or {})}
        self._session.value(_sql.AUDIT, values)

    def seal_audit(self) -> str | None:
        """Seal what was added to the audit and return the anchor, None while it is empty."""
        found: str | None = self._session.value(_sql.SEAL_AUDIT)
        return found

    def verify_audit(self, *, anchor: str | None = None) -> AuditState:
        """Read the whole audit and tell whether it was changed, also since an anchor kept elsewhere.

        Raises `InvalidArgument`.
        """
        return (self._session.rows(AuditState, _sql.VERIFY_AUDIT, {"anchor": anchor}))[0]

    def register_subject(
        self, kind: str, target: str, column: str, *, columns: Sequence[str] | None = None
    ) -> int:
        """Say which column of a table says whose a row is; return the number of the place.

        A subject's rows are deleted, or `columns` of them cleared. Raises `UnknownTable`, `UnknownColumn`,
        `WrongKind`, `InvalidArgument`, `NotAllowed`.
        """
        values = {"kind": kind, "target": target, "column": column}
        cleared = None if columns is None else list(columns)
        return int(self._session.value(_sql.REGISTER_SUBJECT, {**values, "columns": cleared}))

    def register_entities(self, kind: str, prefix: str) -> int:
        """Say what stands before the subject in the ids of its entities. Raises `InvalidArgument`."""
        return int(self._session.value(_sql.REGISTER_ENTITIES, {"kind": kind, "prefix": prefix}))

    def unregister_subject(self, place: int) -> bool:
        """Take a place back; False when there was none. Raises `NotAllowed`."""
        return bool(self._session.value(_sql.UNREGISTER_SUBJECT, {"place": place}))

    def forget(self, subject: str, *, dry_run: bool = True, kind: str = "subject") -> list[Erased]:
        """Erase a subject from all registered places and read them back; by default only count.

        Raises `UnknownObject`, `NotAllowed`, `NotErased`; then nothing was erased.
        """
        values = {"subject": subject, "dry_run": dry_run, "kind": kind}
        return self._session.rows(Erased, _sql.FORGET, values)

    def export_subject(self, subject: str, *, kind: str = "subject") -> dict[str, Any]:
        """Return all that the registered places hold of a subject. Raises `UnknownObject`, `NotAllowed`."""
        found: dict[str, Any] = self._session.value(_sql.EXPORT_SUBJECT, {"subject": subject, "kind": kind})
        return found

    def erasure_ledger(self) -> list[dict[str, Any]]:
        """Return all erasures, to be kept where a restore does not reach."""
        found: list[dict[str, Any]] = self._session.value(_sql.ERASURE_LEDGER)
        return found

    def reapply_erasures(self, ledger: Sequence[Mapping[str, Any]] | None = None) -> list[ErasedAgain]:
        """In a restored copy, erase again who was erased before. Raises `InvalidArgument`, `NotErased`."""
        values = {"ledger": None if ledger is None else json.dumps(list(ledger))}
        return self._session.rows(ErasedAgain, _sql.REAPPLY_ERASURES, values)
