# Generated from _policies_async.py by tools/async_to_sync.py: change that, not this.
"""Methods for policies by rule."""

from __future__ import annotations

from . import _sql
from ._session_sync import Session
from .rows import Policy, PolicyFor, PolicyRule, UnsetRule


class Policies:
    """The functions of schema asymm that set and explain policies by name, kind, size and hazard."""

    _session: Session

    def set_policy(
        self,
        policy: Policy,
        *,
        pattern: str | None = None,
        kind: str | None = None,
        hazard: str | None = None,
        larger_than: int | None = None,
    ) -> int:
        """Set a policy for what meets all conditions given; returns the id of the rule.

        `pattern` is for LIKE on names as `watched()` shows them, `larger_than` in bytes with indexes,
        `hazard` of a repair (as in `drift()`). The most specific rule wins; those of a role act on objects
        it may act for. The same conditions again change the rule. Raises `InvalidArgument`.
        """
        values = {
            "policy": policy,
            "pattern": pattern,
            "kind": kind,
            "hazard": hazard,
            "larger_than": larger_than,
        }
        return int(self._session.value(_sql.SET_POLICY, values))

    def unset_policy(self, id: int) -> UnsetRule:
        """Take a rule back and return it. Raises `UnknownObject`, `NotAllowed` (it is another role's)."""
        return (self._session.rows(UnsetRule, _sql.UNSET_POLICY, {"id": id}))[0]

    def policies(self) -> list[PolicyRule]:
        """Return the rules, oldest first (view asymm.policies)."""
        return self._session.rows(PolicyRule, _sql.POLICIES)

    def policy_for(self, target: str) -> list[PolicyFor]:
        """Return the policy in force for an object and for hazards of its repair, and what decided.

        The first row (hazard None) is for the object. Raises `NotWatched`, `UnknownTable`, `UnknownObject`.
        """
        return self._session.rows(PolicyFor, _sql.POLICY_FOR, {"target": target})
