"""How far an annotation can be believed, how fast that fades, and how far it reaches."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

from ..errors import InvalidArgument
from .annotation import REGIMES, Annotation
from .cost import Cost
from .operations import depth

_LOSS = {"amplify": 0.1, "harmonize": 0.5, "propagate": 1.0, "resolve": math.inf}
_PACE = {"Support": 0.5, "Balance": 1.0, "Exploration": 2.0}


@dataclass(frozen=True, slots=True)
class AnnotationSettings:
    """The settings of annotations in force; the defaults are those of the extension."""

    fidelity_lineage: float = 1 / 3
    fidelity_regime: float = 1 / 3
    fidelity_cost: float = 1 / 3
    fidelity_half_life: timedelta = timedelta(days=30)


DEFAULTS = AnnotationSettings()


def fidelity(
    annotation: Annotation,
    measured_regime: str | None = None,
    observed_cost: Cost | str | None = None,
    *,
    settings: AnnotationSettings = DEFAULTS,
) -> float:
    """Return how far an annotation can be believed, 0 to 1; what was not measured is left out."""
    parts = [(settings.fidelity_lineage, depth(annotation) / 5)]
    if measured_regime is not None:
        steps = abs(REGIMES.index(annotation.regime) - _place(measured_regime))
        parts.append((settings.fidelity_regime, 1 - 0.5 * steps))
    if observed_cost is not None:
        worse = max(0, Cost(observed_cost).rank - annotation.cost.rank)
        parts.append((settings.fidelity_cost, 1 - 0.5 * min(2, worse)))
    if len(parts) == 1:
        return parts[0][1]
    said = total = 0.0
    for weight, part in parts:
        said += weight * part
        total += weight
    return said / total


def freshness(
    fidelity: float,
    age: timedelta,
    regime: str = "Balance",
    anomalous: bool = False,
    *,
    settings: AnnotationSettings = DEFAULTS,
) -> float:
    """Return what is left of a fidelity after a time."""
    share(fidelity, "fidelity")
    pace = _PACE[REGIMES[_place(regime)]] * (10 if anomalous else 1)
    lives = max(0.0, age.total_seconds()) / settings.fidelity_half_life.total_seconds()
    return _faded(fidelity, math.log(2) * lives * pace)


def attenuation(fidelity: float, operation: str, distance: float) -> float:
    """Return what is left of a fidelity some steps along the graph."""
    share(fidelity, "fidelity")
    loss = _loss(operation)
    if not distance >= 0:
        raise InvalidArgument(
            'argument "distance" is not 0 or more',
            detail=f"Seen: {distance}.",
            hint="Distance counts steps along the graph.",
        )
    return fidelity if distance == 0 else _faded(fidelity, loss * distance)


def horizon(fidelity: float, operation: str, epsilon: float = 0.01) -> float:
    """Return how many steps a fidelity reaches until only epsilon of it is left."""
    share(fidelity, "fidelity")
    share(epsilon, "epsilon")
    loss = _loss(operation)
    if epsilon == 0:
        raise InvalidArgument(
            'argument "epsilon" is 0',
            detail="Nothing ever fades to nothing: the horizon would be without end.",
            hint="Use 0.01.",
        )
    return 0.0 if fidelity <= epsilon or math.isinf(loss) else -math.log(epsilon / fidelity) / loss


def share(value: float, argument: str) -> None:
    """Raise `InvalidArgument` unless a value lies in 0 to 1."""
    if not 0 <= value <= 1:
        raise InvalidArgument(
            f'argument "{argument}" is not between 0 and 1',
            detail=f"Seen: {value}.",
            hint="Fidelities, confidences and what is left of them are shares: 0 nothing, 1 all.",
        )


def _place(regime: str) -> int:
    for place, name in enumerate(REGIMES):
        if name == regime:
            return place
    raise InvalidArgument(
        f'regime "{regime}" does not exist',
        detail="Regimes are Support, Balance and Exploration.",
        hint='Use "Balance"; case counts.',
    )


def _loss(operation: str) -> float:
    if operation not in _LOSS:
        raise InvalidArgument(
            f'operation "{operation}" does not exist',
            detail="Operations are amplify, harmonize, propagate and resolve.",
            hint='Use "amplify", which reaches farthest.',
        )
    return _LOSS[operation]


def _faded(fidelity: float, exponent: float) -> float:
    return 0.0 if fidelity < 1e-100 or exponent > 300 else fidelity * math.exp(-exponent)
