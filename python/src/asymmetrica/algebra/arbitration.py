"""Arbitration between annotations that disagree."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..errors import InvalidArgument, NullArgument
from .annotation import Annotation
from .fidelity import share
from .operations import depth, harmonize


@dataclass(frozen=True, slots=True)
class Witness:
    """What a witness says of a candidate (by its place, from 1).

    `fidelity` is what it measured (0: the candidate did not survive), `confidence` how sure it is, 0 to 1,
    `weight` how much it counts.
    """

    candidate: int
    fidelity: float
    confidence: float
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a candidate.

    `survived` is None where no witness knows; `settled` is the winner, brought to Balance.
    """

    candidate: int
    annotation: Annotation
    score: float
    survived: bool | None
    won: bool
    settled: Annotation | None


def weigh(witnesses: Iterable[tuple[float, float, float]]) -> float | None:
    """Return Σwφc / Σwc over (fidelity φ, confidence c, weight w); None: no witness knows."""
    said = total = 0.0
    for fidelity, confidence, weight in witnesses:
        said += weight * fidelity * confidence
        total += weight * confidence
    return said / total if total else None


def arbitrate(candidates: Sequence[Annotation], witnesses: Iterable[Witness] = ()) -> list[Verdict]:
    """Weigh annotations that disagree: Σwφc / Σwc over the witnesses of each, its lineage where it has none.

    Who did not survive cannot win; of equals the last wins. To put the losers into quarantine, call
    asymm.settle() in the database.
    """
    if not candidates:
        raise NullArgument(
            "there is nothing to arbitrate", detail="There is no candidate.", hint="Pass an annotation."
        )
    said: list[list[tuple[float, float, float]]] = [[] for _ in candidates]
    survived: list[bool | None] = [None] * len(candidates)
    for witness in witnesses:
        share(witness.fidelity, "fidelity")
        share(witness.confidence, "confidence")
        if not (1 <= witness.candidate <= len(candidates) and 0 < witness.weight < math.inf):
            raise InvalidArgument(
                "witness refused",
                detail=f"Seen: {witness}; candidates are 1 to {len(candidates)}.",
                hint="A witness names a candidate and has a weight above 0.",
            )
        if witness.confidence > 0:
            place = witness.candidate - 1
            said[place].append((witness.fidelity, witness.confidence, witness.weight))
            survived[place] = bool(survived[place]) or witness.fidelity > 0
    weighed = map(weigh, said)
    scores = [
        depth(one) / 5 if score is None else score for one, score in zip(candidates, weighed, strict=True)
    ]
    able = [place for place in range(len(candidates)) if survived[place] is not False]
    winner = max(able, key=lambda place: (scores[place], place), default=None)
    return [
        Verdict(
            place + 1,
            one,
            scores[place],
            survived[place],
            place == winner,
            harmonize(one, one) if place == winner else None,
        )
        for place, one in enumerate(candidates)
    ]
