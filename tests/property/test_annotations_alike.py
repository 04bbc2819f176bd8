"""The algebra of annotations: application and server say the same of anything."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any, NamedTuple

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from asymmetrica import Annotation, Context, Cost, InvalidArgument, algebra
from asymmetrica.algebra import (
    Witness,
    amplify,
    amplify_all,
    arbitrate,
    attenuation,
    fidelity,
    freshness,
    harmonize,
    harmonize_all,
    horizon,
    propagate,
    resolve,
    resolve_all,
)
from support.database import Database

VERBS = ["create", "query", "sync", "cache", "optimize"]
REGIMES = ["Support", "Balance", "Exploration"]
SPELLINGS = [
    *(cost.value for cost in Cost),
    "1",
    "n",
    "lg n",
    "ln(n)",
    "log2 n",
    "n*n",
    "n²",
    "n³",
    "√n",
    "sqrt(n)",
    "n!",
    "n^n",
    "n log log n",
]


class Facts(NamedTuple):
    """What fidelity and the rest are asked of."""

    regime: str | None
    cost: Cost | None
    share: float
    age: timedelta
    odd: bool
    operation: str
    far: float
    least: float


class Draw(random.Random):
    """Many of all that counts at once: hypothesis would take minutes to make as many, it chooses the seed."""

    def text(self, few: list[str], prefix: str = "") -> str:
        if self.random() < 0.7:
            return self.choice(few)
        return prefix + "".join(self.choices("abAB \t\n\"\\',{}()äß🦀\uffff:NUL", k=self.randint(1, 6))) + "x"

    def annotation(self) -> Annotation:
        return Annotation(
            self.text(["a", "A", "b", "ä", "🦀", "\uffff"]),
            self.choice(["local", "module", "global"]),
            self.choice(REGIMES),
            self.choice(list(Cost)),
            [self.text([*VERBS, "entity:a", "entity:B"], "entity:") for _ in range(self.randint(0, 7))],
            self.uniform(0.001, 1000),
        )

    def facts(self) -> Facts:
        return Facts(
            self.choice([None, *REGIMES]),
            self.choice([None, *Cost]),
            self.choice([0, 1, self.random()]),
            timedelta(days=self.uniform(-1, 10 ** self.uniform(0, 4))),
            self.random() < 0.5,
            self.choice(["amplify", "harmonize", "propagate", "resolve"]),
            self.choice([0, 1, 2, self.uniform(0, 100), 10 ** self.uniform(0, 20)]),
            10 ** self.uniform(-9, 0),
        )

    def cost(self) -> str:
        number = self.choice(["0", "0.5", "1", "1.0", "1.5", "2", "2.000000", "3", "4", "999", "1000", ".5"])
        parts = [f"n^{number}", f"log^{number} n", f"{number}^n", f"(log n)^{number}", *SPELLINGS, "", "O("]
        both = f"O({self.choice(parts)} {self.choice(parts)})"
        return self.choice([*SPELLINGS, both, both, both])

    def witness(self) -> Witness:
        said, sure = (self.choice([0.0, 1.0, self.random()]) for _ in range(2))
        return Witness(self.randint(1, 3), said, sure, self.uniform(0.001, 9))


# A smaller seed is no simpler.
@settings(max_examples=5, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_the_server_says_the_same(db: Database, seed: int) -> None:
    draw = Draw(seed)
    algebra.register(db.own)
    left, right = ([draw.annotation() for _ in range(100)] for _ in range(2))
    operations(db.own, left, right)
    contexts(db.own, left[:4], right[:3])
    numbers(db.own, left[:30], [draw.facts() for _ in range(30)])
    spellings(db.own, [draw.cost() for _ in range(200)])
    judgement(db.own, left[:3], [draw.witness() for _ in range(draw.randint(0, 6))])


def operations(server: psycopg.Connection[Any], left: list[Annotation], right: list[Annotation]) -> None:
    said = server.execute(
        """SELECT array_agg(a ORDER BY n), array_agg(asymm.amplify(a, b) ORDER BY n),
            array_agg(asymm.harmonize(a, b) ORDER BY n), array_agg(asymm.resolve(a, b) ORDER BY n),
            asymm.amplify_all(a ORDER BY n), asymm.harmonize_all(b ORDER BY n),
            asymm.resolve_all(a ORDER BY n), array_agg(a::jsonb ORDER BY n)
          FROM (SELECT (%s::asymm.annotation[])[n] AS a, (%s::asymm.annotation[])[n] AS b, n
                  FROM generate_series(1, 100) AS n) AS pairs""",
        [left, right],
    ).fetchone()
    assert said is not None
    both = list(zip(left, right, strict=True))
    assert said[0] == left
    assert said[1] == [amplify(a, b) for a, b in both]
    assert said[2] == [harmonize(a, b) for a, b in both]
    assert said[3] == [resolve(a, b) for a, b in both]
    assert said[4:7] == (amplify_all(left), harmonize_all(right), resolve_all(left))
    assert said[7] == [a.to_json() for a in left]
    [(found,)] = server.execute(
        "SELECT array_agg(n) FROM asymm.propagate(%s, %s::asymm.annotation[]) AS n", [right[0], left]
    ).fetchall()
    assert (found or []) == propagate(right[0], left)


def contexts(server: psycopg.Connection[Any], some: list[Annotation], more: list[Annotation]) -> None:
    said = server.execute(
        """SELECT asymm.context_all(a), asymm.context_resolve(asymm.context_all(a))
             FROM unnest(%s::asymm.annotation[]) AS a
           UNION ALL
           SELECT asymm.context_apply(o, asymm.context(VARIADIC %s::asymm.annotation[]),
                                       asymm.context(VARIADIC %s)), NULL
             FROM unnest('{amplify,harmonize,resolve}'::text[]) AS o""",
        [some, some, more],
    ).fetchall()
    one, other = Context(*some), Context(*more)
    expected = [one, one.apply("amplify", other), one.apply("harmonize", other), one.apply("resolve", other)]
    assert [tuple(row[0]) for row in said] == [context.annotations for context in expected]
    assert tuple(said[0][1]) == one.resolve().annotations


def numbers(server: psycopg.Connection[Any], annotations: list[Annotation], facts: list[Facts]) -> None:
    for one, of in zip(annotations, facts, strict=True):
        values = [one, of.regime, of.cost, of.share, of.age, of.regime, of.odd]
        found = server.execute(
            """SELECT asymm.fidelity(%s, %s, %s), asymm.freshness(%s, %s, COALESCE(%s, 'Balance'), %s),
                asymm.attenuation(%s, %s, %s), asymm.horizon(%s, %s, %s)""",
            [*values, of.share, of.operation, of.far, of.share, of.operation, of.least],
        ).fetchone()
        expected = (
            fidelity(one, of.regime, of.cost),
            freshness(of.share, of.age, of.regime or "Balance", of.odd),
            attenuation(of.share, of.operation, of.far),
            horizon(of.share, of.operation, of.least),
        )
        assert found == pytest.approx(expected, rel=1e-12)


def spellings(server: psycopg.Connection[Any], costs: list[str]) -> None:
    server.execute(
        """CREATE OR REPLACE FUNCTION pg_temp.read(value text) RETURNS text LANGUAGE plpgsql AS $$
        DECLARE
            v_detail text;
        BEGIN
            RETURN asymm.to_cost(value);
        EXCEPTION WHEN invalid_parameter_value THEN
            GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL;
            RETURN v_detail;
        END
        $$"""
    )
    found = server.execute("SELECT c, pg_temp.read(c) FROM unnest(%s::text[]) AS c", [costs]).fetchall()
    assert found == [(cost, read(cost)) for cost in costs]


def read(cost: str) -> str | None:
    try:
        return Cost(cost).value
    except InvalidArgument as error:
        return error.detail if error.hint else None


def judgement(
    server: psycopg.Connection[Any], candidates: list[Annotation], witnesses: list[Witness]
) -> None:
    rows = [(w.candidate, w.fidelity, w.confidence, w.weight) for w in witnesses]
    said = server.execute(
        """SELECT candidate, annotation, score, survived, won, settled
             FROM asymm.arbitrate(%s::asymm.annotation[],
                  ARRAY(SELECT ROW(a, b, c, d)::asymm.witness
                          FROM unnest(%s::integer[], %s::float8[], %s::float8[], %s::float8[])
                            AS w (a, b, c, d)))""",
        [candidates, *([list(column) for column in zip(*rows, strict=True)] or [[], [], [], []])],
    ).fetchall()
    assert said == [
        (v.candidate, v.annotation, v.score, v.survived, v.won, v.settled)
        for v in arbitrate(candidates, witnesses)
    ]
