"""Annotations in the application: what is refused, JSON, and values from and to the database."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from asymmetrica import Annotation, Context, Cost, InvalidArgument, NotInstalled, algebra
from asymmetrica.algebra import Witness, arbitrate, attenuation, fidelity, freshness, horizon
from support.database import Database

from .conftest import Caller

BAD: list[dict[str, Any]] = [
    {"symbol": ""},
    {"symbol": " \t"},
    {"symbol": None},
    {"scope": "everywhere"},
    {"regime": "support"},
    {"cost": "O(n^1.5)"},
    {"lineage": "create"},
    {"lineage": ["destroy"]},
    {"lineage": ["a:"]},
    {"lineage": [None]},
    {"weight": 0},
    {"weight": math.nan},
    {"weight": math.inf},
]


@pytest.mark.parametrize("wrong", BAD, ids=str)
def test_what_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument) as raised:
        Annotation(**{"symbol": "x", **wrong})
    assert raised.value.detail
    assert raised.value.hint


def test_json() -> None:
    read = Annotation.from_json(
        rb'{"symbol": "x", "\u03c1": "module", "cost": "N log N", "lineage": ["query"], "weight": 2}'
    )
    assert read == Annotation("x", "module", "Balance", "O(n log n)", ["query"], 2)
    assert read.to_json() == {
        "σ": "x",
        "ρ": "module",
        "γ": "Balance",
        "κ": "O(n log n)",
        "λ": ["query"],
        "weight": 2,
    }
    for wrong in (
        "[]",
        "{",
        "{}",
        '{"σ": "x", "symbol": "x"}',
        '{"σ": "x", "other": 1}',
        '{"σ": "x", "λ": "sync"}',
        '{"σ": "x", "λ": [1]}',
        '{"σ": "x", "weight": "1"}',
    ):
        with pytest.raises(InvalidArgument):
            Annotation.from_json(wrong)


def test_numbers_are_refused() -> None:
    one = Annotation("x")
    for call in (
        lambda: fidelity(one, "support"),
        lambda: freshness(2, timedelta()),
        lambda: freshness(math.nan, timedelta()),
        lambda: attenuation(1, "multiply", 1),
        lambda: attenuation(1, "amplify", -1),
        lambda: horizon(1, "amplify", 0),
        lambda: arbitrate([one], [Witness(2, 1, 1)]),
        lambda: arbitrate([one], [Witness(1, 1, 1, 0)]),
        lambda: Context(one).apply("propagate", Context(one)),  # type: ignore[arg-type]
    ):
        with pytest.raises(InvalidArgument) as raised:
            call()
        assert raised.value.detail
        assert raised.value.hint


ODD = Annotation('q"\\,({ ü', "global", "Support", "n²", ["create", 'entity:a,"b"\\ {}'], 0.1)


@pytest.mark.parametrize("binary", [False, True])
async def test_values_of_a_connection(still: Database, binary: bool) -> None:
    with still.connect(client_encoding="latin1") as connection:
        algebra.register(connection)
        cursor = connection.cursor(binary=binary)
        row = cursor.execute(
            """SELECT %s, ARRAY[%s, NULL], NULL::asymm.annotation, asymm.context(%s, asymm.annotate('x')),
                max(c), %s::asymm.cost FROM unnest(enum_range(NULL::asymm.cost)) AS c""",
            [ODD, ODD, ODD, Cost.CUBIC],
        ).fetchone()
        context = [ODD, Annotation("x")]
        assert row == (ODD, [ODD, None], None, context, Cost.EXPONENTIAL, Cost.CUBIC)
        assert isinstance(row[4], Cost)
        assert Context(*row[3]).state == "forked"
    async with await psycopg.AsyncConnection.connect(still.dsn) as other:
        await algebra.register_async(other)
        found = await (await other.execute("SELECT %s, asymm.annotate('x')", [ODD])).fetchone()
        assert found == (ODD, Annotation("x"))


def test_without_the_extension(empty_db: Database) -> None:
    with pytest.raises(NotInstalled):
        algebra.register(empty_db.own)


async def test_settings(call: Caller) -> None:
    assert await call("annotation_settings") == algebra.AnnotationSettings()
    made = await call("configure_annotations", fidelity_half_life=timedelta(days=1))
    assert made == await call("annotation_settings")
    assert math.isclose(freshness(1, timedelta(days=2), settings=made), 0.25)
    with pytest.raises(InvalidArgument):
        await call("configure_annotations", fidelity_cost=0.9)
