"""The annotation tuple and its JSON."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from ..errors import InvalidArgument
from .cost import Cost

Scope = Literal["local", "module", "global"]
Regime = Literal["Support", "Exploration", "Balance"]

SCOPES: tuple[Scope, ...] = get_args(Scope)
REGIMES: tuple[Regime, ...] = ("Support", "Balance", "Exploration")
_VERBS = {"create", "query", "sync", "cache", "optimize"}
_REFERENCE = re.compile(r"[a-z_]+:.+", re.DOTALL)
_GREEK = {"σ": "symbol", "ρ": "scope", "γ": "regime", "κ": "cost", "λ": "lineage", "weight": "weight"}
_HINT = 'Example: Annotation("dataEntity", "global", "Balance", "O(log n)", ["create", "query"]).'


@dataclass(frozen=True, slots=True, init=False)
class Annotation:
    """The annotation tuple (σ, ρ, γ, κ, λ) with its weight.

    `symbol` says what a thing is, `scope` where it applies (local, module, global), `regime` its phase
    (Support, Exploration, Balance), `cost` its complexity class in any usual spelling, `lineage` what it came
    from, oldest first: verbs (create, query, sync, cache, optimize) or `kind:name`; `weight` is the evidence
    behind it, above 0. Raises `InvalidArgument` for a value out of its set.
    """

    symbol: str
    scope: Scope
    regime: Regime
    cost: Cost
    lineage: tuple[str, ...]
    weight: float

    def __init__(
        self,
        symbol: str,
        scope: str = "local",
        regime: str = "Balance",
        cost: Cost | str = Cost.LOGARITHMIC,
        lineage: Iterable[str] = (),
        weight: float = 1.0,
    ) -> None:
        entries = None if isinstance(lineage, str) or not isinstance(lineage, Iterable) else tuple(lineage)
        fault = _fault(symbol, scope, regime, entries, weight)
        if fault is not None or entries is None:
            seen = f"Seen: {(symbol, scope, regime, str(cost), lineage, weight)!r}"
            raise InvalidArgument(f"annotation refused: {fault}", detail=seen, hint=_HINT)
        values = (symbol, scope, regime, Cost(cost), entries, float(weight))
        for name, value in zip(self.__slots__, values, strict=True):
            object.__setattr__(self, name, value)

    def to_json(self) -> dict[str, Any]:
        """Return a dictionary with the Greek keys and weight, ready for json.dumps()."""
        values = (self.symbol, self.scope, self.regime, str(self.cost), list(self.lineage), self.weight)
        return dict(zip(_GREEK, values, strict=True))

    @classmethod
    def from_json(cls, document: str | bytes | Mapping[str, Any]) -> Annotation:
        """Read a JSON object with Greek keys or the names of the fields. Raises `InvalidArgument`."""
        if isinstance(document, str | bytes):
            try:
                document = json.loads(document)
            except ValueError as error:
                raise InvalidArgument("annotation is not JSON", detail=str(error)) from None
        if not isinstance(document, Mapping):
            raise InvalidArgument(
                "annotation is not a JSON object",
                detail=f"Seen: {document!r}.",
                hint='Example: {"σ":"dataEntity","ρ":"global","γ":"Balance","κ":"O(log n)","λ":["create"]}',
            )
        values = {_GREEK.get(key, key): value for key, value in document.items() if value is not None}
        unknown = sorted(set(document) - set(_GREEK) - set(_GREEK.values()))
        doubled = [f"{greek} and {name}" for greek, name in _GREEK.items() if greek != name]
        doubled = [pair for pair in doubled if set(pair.split(" and ")) <= set(document)]
        if unknown or doubled:
            raise InvalidArgument(
                "annotation has unknown or doubled keys",
                detail=f"Seen: {', '.join(unknown or doubled)}.",
                hint="Keys are σ ρ γ κ λ (or symbol, scope, regime, cost, lineage) and weight, each once.",
            )
        lineage, weight = values.get("lineage", []), values.get("weight", 1)
        if not isinstance(lineage, list | tuple) or isinstance(weight, bool | str):
            raise InvalidArgument(
                "annotation has a value of the wrong type",
                detail="λ is a list of texts, weight a number.",
                hint='Example: {"σ":"dataEntity","λ":["create","query"],"weight":1}',
            )
        return cls(**{"symbol": None, **values})


def _fault(symbol: Any, scope: Any, regime: Any, lineage: tuple[Any, ...] | None, weight: Any) -> str | None:
    if not isinstance(symbol, str) or not symbol.strip(" \t\n\r"):
        return "symbol is empty"
    if scope not in SCOPES:
        return "scope is none of local, module, global"
    if regime not in REGIMES:
        return "regime is none of Support, Exploration, Balance"
    if lineage is None:
        return "lineage is not a flat list of texts"
    if isinstance(weight, str) or not (weight > 0 and math.isfinite(weight)):
        return "weight is not a finite number above 0"
    for entry in lineage:
        if not isinstance(entry, str):
            return "lineage is not a flat list of texts"
        if entry not in _VERBS and not _REFERENCE.fullmatch(entry):
            return "a lineage entry is neither a verb (create, query, sync, cache, optimize) nor kind:name"
    return None
