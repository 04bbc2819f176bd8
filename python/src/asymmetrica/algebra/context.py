"""What is known of a node: no annotation, one, or several that disagree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from ..errors import InvalidArgument
from .annotation import Annotation
from .operations import amplify, harmonize, resolve, resolve_all

State = Literal["missing", "annotated", "forked"]

_OPERATIONS = {"amplify": amplify, "harmonize": harmonize, "resolve": resolve}


@dataclass(frozen=True, slots=True, init=False)
class Context:
    """What is known of a node: `Context()` is missing, `Context(a)` annotated, `Context(a, b)` forked.

    Those that agree but for their weight are one, with the weight of all; None is passed over. The monad:
    `Context(a)` lifts, `bind` and `map` do something to every annotation, so nothing comes of a missing one
    and a fork stays a fork unless the results agree. `resolve()` ends a fork.
    """

    annotations: tuple[Annotation, ...]

    def __init__(self, *annotations: Annotation | None) -> None:
        kept: dict[Annotation, float] = {}
        for one in annotations:
            if one is not None:
                said = replace(one, weight=1.0)
                kept[said] = kept.get(said, 0.0) + one.weight
        made = tuple(replace(said, weight=weight) for said, weight in kept.items())
        object.__setattr__(self, "annotations", made)

    @property
    def state(self) -> State:
        """Missing, annotated or forked."""
        return "missing" if not self.annotations else "annotated" if len(self.annotations) == 1 else "forked"

    def map(self, function: Callable[[Annotation], Annotation | None]) -> Context:
        """Return the context of what a function makes of every annotation."""
        return Context(*(function(one) for one in self.annotations))

    def bind(self, function: Callable[[Annotation], Context]) -> Context:
        """Return the context of all the contexts a function makes of every annotation."""
        return Context(*(made for one in self.annotations for made in function(one).annotations))

    def apply(self, operation: Literal["amplify", "harmonize", "resolve"], other: Context) -> Context:
        """Return the context of an operation on every pair: missing if either is."""
        chosen = _OPERATIONS.get(operation)
        if chosen is None:
            raise InvalidArgument(
                f'operation "{operation}" does not exist',
                detail="Of two contexts one is made by amplify, harmonize or resolve.",
                hint='Use "amplify".',
            )
        return Context(*(chosen(a, b) for a in self.annotations for b in other.annotations))

    def resolve(self) -> Context:
        """Return the context with one annotation of several: the longest lineage, of equals the last."""
        return Context(resolve_all(self.annotations))

    def __iter__(self) -> Iterator[Annotation]:
        return iter(self.annotations)

    def __len__(self) -> int:
        return len(self.annotations)
