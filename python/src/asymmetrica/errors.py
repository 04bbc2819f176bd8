"""Errors: one class per SQLSTATE, all under `AsymmetricaError`.

The server's message, detail and hint are kept as they came. `translate` turns a psycopg error into one of
these; connection failures lose their text's secrets on the way.
"""

from __future__ import annotations

import re
from typing import ClassVar

import psycopg

from ._redact import redact

__all__ = [
    "SQLSTATES",
    "AlreadyExists",
    "AmbiguousName",
    "AsymmetricaError",
    "AuditIsAppendOnly",
    "ConnectionFailed",
    "CostExceeded",
    "DataLoss",
    "HealingPaused",
    "InvalidArgument",
    "KeyReused",
    "NotAllowed",
    "NotConverged",
    "NotErased",
    "NotInstalled",
    "NotMirrorable",
    "NotPlanned",
    "NotWatched",
    "NullArgument",
    "ObjectGuarded",
    "ProtectedColumn",
    "PulseUnavailable",
    "StalePlan",
    "UnfitActor",
    "UnknownColumn",
    "UnknownObject",
    "UnknownSchema",
    "UnknownTable",
    "VersionConflict",
    "WrongKind",
    "WrongState",
    "translate",
]


class AsymmetricaError(Exception):
    """Something the server refused, or that could not be asked.

    Attributes: `message`, `sqlstate` (None if the server was not reached), `detail` (what was seen) and
    `hint` (the call to make), each None when the server gave none.
    """

    code: ClassVar[str | None] = None

    def __init__(
        self,
        message: str,
        *,
        sqlstate: str | None = None,
        detail: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.sqlstate = sqlstate or self.code
        self.detail = detail
        self.hint = hint

    def __str__(self) -> str:
        parts = [self.message]
        if self.detail:
            parts.append(f"DETAIL: {self.detail}")
        if self.hint:
            parts.append(f"HINT: {self.hint}")
        return "\n".join(parts)


class NotWatched(AsymmetricaError):
    """The object is not watched."""

    code = "SY001"


class ObjectGuarded(AsymmetricaError):
    """DDL on an object with policy guard was refused."""

    code = "SY002"


class UnfitActor(AsymmetricaError):
    """The role must not run the pulse; the detail lists each reason."""

    code = "SY003"


class HealingPaused(AsymmetricaError):
    """Nothing is repaired until resume()."""

    code = "SY004"


class WrongState(AsymmetricaError):
    """The action is in a state that does not allow this."""

    code = "SY005"


class PulseUnavailable(AsymmetricaError):
    """The pulse can't run here or in this way; the hint has the commands to run."""

    code = "SY006"


class NotConverged(AsymmetricaError):
    """The repair ran, but the object did not become what was declared; it was rolled back."""

    code = "SY007"


class StalePlan(AsymmetricaError):
    """The object moved on since the plan was made."""

    code = "SY008"


class DataLoss(AsymmetricaError):
    """The repair would delete data and was not allowed to."""

    code = "SY009"


class NotMirrorable(AsymmetricaError):
    """The table can't be mirrored as it is; the detail says why, the hint what would mend it."""

    code = "SY013"


class CostExceeded(AsymmetricaError):
    """The statement's class is worse than asserted; the detail names the node of its plan to blame."""

    code = "SY015"


class NotPlanned(AsymmetricaError):
    """The statement cannot be planned, or not safely, so its cost is not known; the detail says why."""

    code = "SY016"


class VersionConflict(AsymmetricaError):
    """The entity was changed meanwhile; the detail says which version it is at."""

    code = "SY017"


class KeyReused(AsymmetricaError):
    """The idempotency key was used for another call on this entity."""

    code = "SY018"


class ProtectedColumn(AsymmetricaError):
    """A protected column's values would be kept where they must not be."""

    code = "SY020"


class AuditIsAppendOnly(AsymmetricaError):
    """The audit is only added to."""

    code = "SY021"


class AlreadyExists(AsymmetricaError):
    """Something with this id or key is there already."""

    code = "23505"


class NotErased(AsymmetricaError):
    """A subject could not be erased, and nothing of it was; the detail says what is in the way."""

    code = "SY022"


class NullArgument(AsymmetricaError):
    """An argument that must have a value was NULL."""

    code = "22004"


class InvalidArgument(AsymmetricaError):
    """An argument has a value that makes no sense."""

    code = "22023"


class UnknownTable(AsymmetricaError):
    """There is no such table."""

    code = "42P01"


class UnknownColumn(AsymmetricaError):
    """The table has no such column; names are case-sensitive."""

    code = "42703"


class UnknownSchema(AsymmetricaError):
    """There is no such schema."""

    code = "3F000"


class WrongKind(AsymmetricaError):
    """The object is not of the kind that is needed (a view, a sequence, a system table…)."""

    code = "42809"


class NotAllowed(AsymmetricaError):
    """The role lacks the right to do this."""

    code = "42501"


class AmbiguousName(AsymmetricaError):
    """Several watched tables have this name; say the schema too."""

    code = "42725"


class UnknownObject(AsymmetricaError):
    """There is no such role, action or organ."""

    code = "42704"


class NotInstalled(AsymmetricaError):
    """The database has no extension asymmetrica, or one too old for this driver."""


class ConnectionFailed(AsymmetricaError):
    """The server can't be reached, refused the login, or the connection broke."""


SQLSTATES: dict[str, type[AsymmetricaError]] = {
    cls.code: cls for cls in AsymmetricaError.__subclasses__() if cls.code is not None
}

# What Postgres says when a function or view of ours is missing (3F000, 42883, 42P01), in any language.
_OURS_MISSING = re.compile(r"\basymm\b")


def translate(error: psycopg.Error, secrets: tuple[str, ...] = ()) -> AsymmetricaError:
    """Return the `AsymmetricaError` that says what a psycopg error said."""
    diag, sqlstate = error.diag, error.sqlstate
    message = diag.message_primary or str(error).strip() or type(error).__name__
    if sqlstate in ("3F000", "42883", "42P01") and not diag.context and _OURS_MISSING.search(message):
        return NotInstalled(
            "the extension asymmetrica is not installed in this database, or is older than this driver",
            sqlstate=sqlstate,
            detail=message,
            hint="CREATE EXTENSION asymmetrica, or ALTER EXTENSION asymmetrica UPDATE (asymmetrica init)",
        )
    lost = isinstance(error, psycopg.OperationalError) and (
        sqlstate is None or sqlstate.startswith(("08", "28", "57P")) or sqlstate in ("53300", "3D000")
    )
    if lost or (sqlstate is None and isinstance(error, psycopg.InterfaceError)):
        return ConnectionFailed(
            redact(message, secrets),
            sqlstate=sqlstate,
            detail=redact(diag.message_detail, secrets) if diag.message_detail else None,
            hint=diag.message_hint,
        )
    cls = SQLSTATES.get(sqlstate or "", AsymmetricaError)
    return cls(
        redact(message, secrets),
        sqlstate=sqlstate,
        detail=diag.message_detail,
        hint=diag.message_hint,
    )
