"""The four operations, on two annotations and on any number."""

from __future__ import annotations

from collections.abc import Iterable

from .annotation import SCOPES, Annotation


def depth(annotation: Annotation) -> int:
    """Return how far a lineage goes back, up to 5: what is known of fidelity before it is measured."""
    return min(len(annotation.lineage), 5)


def _lead(annotation: Annotation) -> tuple[int, str, tuple[str, ...]]:
    return (-depth(annotation), annotation.symbol, annotation.lineage)


def amplify(a: Annotation, b: Annotation) -> Annotation:
    """Return a ⊕ b: what a is, the larger cost, both lineages in order, both weights added.

    Associative (weights as far as they can be added exactly), not commutative; the weight grows with
    repetition.
    """
    entries = dict.fromkeys(a.lineage + b.lineage)
    return Annotation(a.symbol, a.scope, a.regime, max(a.cost, b.cost), entries, a.weight + b.weight)


def harmonize(a: Annotation, b: Annotation) -> Annotation:
    """Return a ⊗ b: wider scope, Balance, larger cost, what both lineages share, mean weight.

    Symbol and order of the lineage are of the one whose lineage is longer (up to 5 entries), else of the
    smaller symbol: commutative.
    """
    first, other = sorted((a, b), key=_lead)
    return Annotation(
        first.symbol,
        _widest((a, b)),
        "Balance",
        max(a.cost, b.cost),
        dict.fromkeys(entry for entry in first.lineage if entry in other.lineage),
        a.weight / 2 + b.weight / 2,
    )


def propagate(annotation: Annotation, among: Iterable[Annotation | None]) -> list[Annotation]:
    """Return ▷: those that went through all of the annotation's lineage, in their order."""
    wanted = set(annotation.lineage)
    return [one for one in among if one is not None and wanted <= set(one.lineage)]


def resolve(a: Annotation, b: Annotation) -> Annotation:
    """Return a ⊣ b: the one with the longer lineage (up to 5 entries), b if they are equal."""
    return a if depth(a) > depth(b) else b


def amplify_all(annotations: Iterable[Annotation | None]) -> Annotation | None:
    """Amplify all in their order; None is passed over, and comes of nothing."""
    every = [one for one in annotations if one is not None]
    if not every:
        return None
    entries = dict.fromkeys(entry for one in every for entry in one.lineage)
    weight = _sum(one.weight for one in every)
    first = every[0]
    return Annotation(first.symbol, first.scope, first.regime, max(o.cost for o in every), entries, weight)


def harmonize_all(annotations: Iterable[Annotation | None]) -> Annotation | None:
    """Return what all agree on, in any order; None is passed over, and comes of nothing."""
    every = [one for one in annotations if one is not None]
    if not every:
        return None
    first = min(every, key=_lead)
    shared = set(first.lineage).intersection(*(one.lineage for one in every))
    return Annotation(
        first.symbol,
        _widest(every),
        "Balance",
        max(one.cost for one in every),
        dict.fromkeys(entry for entry in first.lineage if entry in shared),
        _sum(sorted(one.weight for one in every)) / len(every),
    )


def resolve_all(annotations: Iterable[Annotation | None]) -> Annotation | None:
    """Return the one with the longest lineage (up to 5 entries), of equals the last; None of nothing."""
    chosen: Annotation | None = None
    for one in annotations:
        if one is not None:
            chosen = one if chosen is None else resolve(chosen, one)
    return chosen


def _widest(annotations: Iterable[Annotation]) -> str:
    return max((one.scope for one in annotations), key=SCOPES.index)


def _sum(numbers: Iterable[float]) -> float:
    """Add one by one, as the server does: sum() corrects its rounding in newer versions of Python."""
    total = 0.0
    for number in numbers:
        total += number
    return total
