"""The laws of the algebra of annotations."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from asymmetrica import Annotation, Context, Cost
from asymmetrica.algebra import (
    amplify,
    amplify_all,
    harmonize,
    harmonize_all,
    propagate,
    resolve,
    resolve_all,
)

VERBS = ["create", "query", "sync", "cache", "optimize"]
REGIMES = ["Support", "Balance", "Exploration"]
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=8)
# Few, so that they meet; many, so that quoting and order are tried.
SYMBOLS = st.sampled_from(["a", "A", "b", "ä", "🦀", "\uffff"]) | TEXT.filter(
    lambda text: text.strip(" \t\r\n")
)
ENTRIES = st.sampled_from([*VERBS, "entity:a", "entity:B"]) | TEXT.map(lambda text: f"entity:{text}")
WEIGHTS = st.floats(0.001, 1000)
ANNOTATIONS = st.builds(
    Annotation,
    SYMBOLS,
    st.sampled_from(["local", "module", "global"]),
    st.sampled_from(REGIMES),
    st.sampled_from(list(Cost)),
    st.lists(ENTRIES, max_size=7),
    WEIGHTS,
)


def but_for_rounding(one: Annotation) -> Annotation:
    return replace(one, weight=float(f"{one.weight:.9g}"))


@given(ANNOTATIONS, ANNOTATIONS, ANNOTATIONS)
def test_laws(a: Annotation, b: Annotation, c: Annotation) -> None:
    assert but_for_rounding(amplify(amplify(a, b), c)) == but_for_rounding(amplify(a, amplify(b, c)))
    assert amplify(a, a).weight == 2 * a.weight > a.weight
    assert harmonize(a, b) == harmonize(b, a)
    assert resolve(a, a) == a
    assert resolve(a, b) in (a, b)
    assert resolve(resolve(a, b), c) == resolve(a, resolve(b, c))
    assert resolve(a, replace(a, weight=5)) == replace(a, weight=5)
    for made in (amplify(a, b), harmonize(a, b), resolve(a, b)):
        assert Annotation.from_json(json.dumps(made.to_json())) == made
        assert made.cost >= min(a.cost, b.cost)
        assert set(made.lineage) <= {*a.lineage, *b.lineage}
    assert propagate(a, [amplify(a, b), None]) == [amplify(a, b)]
    assert amplify_all([a, None, b, c]) == amplify(amplify(a, b), c)
    assert harmonize_all([a, b, c]) == harmonize_all([c, a, b])
    assert harmonize_all([a, b]) == harmonize(a, b)
    assert resolve_all([a, b, c]) == resolve(resolve(a, b), c)
    assert amplify_all([None]) is harmonize_all([]) is resolve_all([None]) is None


@given(st.lists(ANNOTATIONS, max_size=3), st.lists(ANNOTATIONS, max_size=3))
def test_a_context_is_a_monad(some: list[Annotation], more: list[Annotation]) -> None:
    def twice(one: Annotation) -> Context:
        return Context(one, replace(one, regime="Support"))

    def drop(one: Annotation) -> Context:
        return Context(one) if one.symbol < "b" else Context()

    c, d = Context(*some), Context(*more)
    assert c.state == ("missing", "annotated", "forked")[min(2, len(c))]
    assert c.bind(Context) == c
    assert all(Context(one).bind(twice) == twice(one) for one in some)
    left, right = c.bind(twice).bind(drop), c.bind(lambda one: twice(one).bind(drop))
    assert [*map(but_for_rounding, left)] == [*map(but_for_rounding, right)]
    assert c.apply("amplify", Context()).state == Context().apply("harmonize", c).state == "missing"
    assert (c.apply("amplify", d).state == "missing") == (not some or not more)
    assert len(c.resolve()) == min(1, len(c))


def test_costs_are_a_total_order() -> None:
    assert sorted(Cost, reverse=True) == list(Cost)[::-1]
    assert max(Cost) is Cost.EXPONENTIAL
    for i, a in enumerate(Cost):
        for j, b in enumerate(Cost):
            assert ((a < b), (a <= b), (a > b), (a >= b)) == (i < j, i <= j, i > j, i >= j)
    assert "O(1)" < Cost.LINEAR < "n²"
    assert Cost.LINEAR == "O(n)"
