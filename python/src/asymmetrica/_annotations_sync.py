# Generated from _annotations_async.py by tools/async_to_sync.py: change that, not this.
"""Methods for annotations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from . import _sql
from ._session_sync import Session
from .rows import Annotation, AnnotationSettings


class Annotations:
    """The functions and views of schema asymm for annotations; their algebra is in `asymmetrica.algebra`."""

    _session: Session

    def annotate(
        self,
        symbol: str,
        *,
        scope: str = "local",
        regime: str = "Balance",
        cost: str = "O(log n)",
        lineage: Sequence[str] = (),
        weight: float = 1,
    ) -> Annotation:
        """Return a validated annotation (σ, ρ, γ, κ, λ, weight). Raises `InvalidArgument`."""
        values = {
            "symbol": symbol,
            "scope": scope,
            "regime": regime,
            "cost": str(cost),
            "lineage": list(lineage),
            "weight": weight,
        }
        return (self._session.rows(Annotation, _sql.ANNOTATE, values))[0]

    def annotation_settings(self) -> AnnotationSettings:
        """Return the settings of annotations in force (view asymm.annotation_settings)."""
        return (self._session.rows(AnnotationSettings, _sql.ANNOTATION_SETTINGS))[0]

    def configure_annotations(
        self,
        *,
        fidelity_lineage: float | None = None,
        fidelity_regime: float | None = None,
        fidelity_cost: float | None = None,
        fidelity_half_life: timedelta | None = None,
    ) -> AnnotationSettings:
        """Change settings of annotations and return those in force; None leaves one as it is.

        Raises `InvalidArgument`, also when the three weights of fidelity don't sum to 1.
        """
        values = {name: value for name, value in locals().items() if name != "self"}
        return (self._session.rows(AnnotationSettings, _sql.CONFIGURE_ANNOTATIONS, values))[0]
