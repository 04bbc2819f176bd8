"""Annotations and what can be done with them: the functions of the extension's SQL, in the application.

from asymmetrica import Annotation
from asymmetrica.algebra import amplify, fidelity

orders = Annotation("dataEntity", scope="global", cost="O(log n)", lineage=["create"])
read = Annotation("dataQuery", cost="n log n", lineage=["query", "entity:public.orders"])
both = amplify(orders, read)        # σ, ρ, γ of orders, O(n log n), create → query → entity:public.orders
fidelity(both, observed_cost="O(n)")

Every function returns what the SQL function of that name returns, to the last bit but for exp and ln.
`register()` makes values of type asymm.annotation and asymm.cost come from and go to the database.
"""

from .adapt import register, register_async
from .annotation import Annotation, Regime, Scope
from .arbitration import Verdict, Witness, arbitrate
from .context import Context, State
from .cost import Cost
from .fidelity import AnnotationSettings, attenuation, fidelity, freshness, horizon
from .operations import amplify, amplify_all, harmonize, harmonize_all, propagate, resolve, resolve_all

__all__ = [
    "Annotation",
    "AnnotationSettings",
    "Context",
    "Cost",
    "Regime",
    "Scope",
    "State",
    "Verdict",
    "Witness",
    "amplify",
    "amplify_all",
    "arbitrate",
    "attenuation",
    "fidelity",
    "freshness",
    "harmonize",
    "harmonize_all",
    "horizon",
    "propagate",
    "register",
    "register_async",
    "resolve",
    "resolve_all",
]
