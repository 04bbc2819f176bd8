"""Random changes of random schemas, the same for the same seed."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

from support.pair_model import CASTS, DEFAULTS, Schema, Table
from support.pair_random import (
    WORDS,
    add_check,
    add_index,
    add_policy,
    add_trigger,
    add_view,
    application,
    column,
    table,
)
from support.pair_write import write
from support.pairs import Case


def add_column(rng: random.Random, schema: Schema, on: Table) -> None:
    made = column(rng, schema, {c.name for c in on.columns})
    source = [c for c in on.columns if c.type == made.type and not c.generated]
    if source and rng.random() < 0.4:
        made.generated, made.not_null = rng.choice(source).name, False
    on.columns.append(made)


def drop_column(rng: random.Random, schema: Schema, on: Table) -> None:  # noqa: ARG001
    if len(on.columns) > 1:
        on.columns.remove(rng.choice(on.columns))


def rename_column(rng: random.Random, schema: Schema, on: Table) -> None:
    """Rename a column, or leave everything that named it without it: people do both."""
    if on.columns:
        chosen = rng.choice(on.columns)
        was, chosen.name = chosen.name, f"{chosen.name}_2"[:50]
        for index in on.indexes:
            index.columns = [chosen.name if name == was else name for name in index.columns]
        for view in schema.views:
            if view.source == on.name and rng.random() < 0.7:
                view.columns = [chosen.name if name == was else name for name in view.columns]


def retype_column(rng: random.Random, schema: Schema, on: Table) -> None:
    fit = [c for c in on.columns if c.type in CASTS and c.name not in {key.column for key in on.foreign_keys}]
    if fit:
        chosen = rng.choice(fit)
        chosen.type = (
            "status" if chosen.type == "text" and rng.random() < 0.2 else rng.choice(CASTS[chosen.type])
        )
    elif on.columns:
        rng.choice(on.columns).comment = f"in {len(schema.tables)}"


def change_default(rng: random.Random, schema: Schema, on: Table) -> None:  # noqa: ARG001
    if on.columns:
        chosen = rng.choice(on.columns)
        chosen.default = None if chosen.default else rng.choice(DEFAULTS.get(chosen.type, ("yes",)))


def change_not_null(rng: random.Random, schema: Schema, on: Table) -> None:  # noqa: ARG001
    if on.columns:
        chosen = rng.choice(on.columns)
        chosen.not_null = not chosen.not_null


def change_key(rng: random.Random, schema: Schema, on: Table) -> None:  # noqa: ARG001
    on.key = rng.choice([key for key in ("identity", "serial", "plain") if key != on.key])


def drop_something(rng: random.Random, schema: Schema, on: Table) -> None:  # noqa: ARG001
    parts: tuple[list[Any], ...] = (on.indexes, on.checks, on.foreign_keys, on.triggers, on.policies)
    full = [part for part in parts if part]
    if full:
        part = rng.choice(full)
        part.remove(rng.choice(part))


def change_enum(rng: random.Random, schema: Schema, _: Table) -> None:
    labels = schema.enums["status"]
    free = [word for word in WORDS if word not in labels]
    way = rng.random()
    if free and way < 0.5:
        labels.insert(rng.randint(0, len(labels)), rng.choice(free))
    elif free and way < 0.7:
        labels[rng.randrange(len(labels))] = rng.choice(free)
    elif len(labels) > 2:
        labels.pop(rng.randrange(len(labels)))


def change_function(rng: random.Random, schema: Schema, _: Table) -> None:
    chosen = rng.choice(schema.functions)
    way = rng.random()
    if chosen.trigger or way < 0.5:
        chosen.body = (
            "NEW := NEW; PERFORM 1;" if chosen.trigger else rng.choice(("upper({a})", "btrim({a})", "{a}"))
        )
        if chosen.returns == "integer":
            chosen.body = f"length({{a}}) + {rng.randint(1, 9)}"
    elif way < 0.7:
        chosen.argument = "input" if chosen.argument == "value" else "value"
    elif way < 0.9:
        chosen.options = rng.choice(("IMMUTABLE STRICT", "IMMUTABLE PARALLEL SAFE", "IMMUTABLE COST 50"))
    elif chosen.name == "weight":
        chosen.returns = "bigint" if chosen.returns == "integer" else "integer"


def change_view(rng: random.Random, schema: Schema, on: Table) -> None:
    if not schema.views:
        add_view(rng, schema, on)
        return
    view = rng.choice(schema.views)
    way = rng.random()
    if way < 0.3:
        view.columns = rng.sample(view.columns, rng.randint(1, len(view.columns)))
    elif way < 0.6:
        view.columns += [c for c in schema.relation(view.source) if c not in view.columns][:1]
    elif way < 0.7:
        view.kept = not view.kept
    elif way < 0.85:
        view.not_null = rng.choice(view.columns) if view.not_null is None else None
    else:
        schema.views.remove(view)


def add_table(rng: random.Random, schema: Schema, _: Table) -> None:
    schema.tables.append(table(rng, schema))


def drop_table(rng: random.Random, schema: Schema, on: Table) -> None:  # noqa: ARG001
    schema.tables.remove(on)


def rename_table(rng: random.Random, schema: Schema, on: Table) -> None:
    was, on.name = on.name, f"{on.name}_{rng.randint(2, 9)}"
    for view in schema.views:
        view.source = on.name if view.source == was else view.source
    for other in schema.tables:
        for key in other.foreign_keys:
            key.target = on.name if key.target == was else key.target


def change_rights(rng: random.Random, schema: Schema, on: Table) -> None:  # noqa: ARG001
    way = rng.random()
    if way < 0.6:
        on.grants[rng.choice(("app_user", "app_admin", "anon"))] = rng.choice(
            ("SELECT", "SELECT, INSERT", "ALL")
        )
    elif way < 0.8:
        on.grants.clear()
        on.owner = None if on.owner else "app_owner"
    else:
        on.comment = None if on.comment else "important"


def change_other(rng: random.Random, schema: Schema, on: Table) -> None:
    way = rng.random()
    if way < 0.3:
        schema.sequences["document_number"] += 1
    elif way < 0.5:
        schema.domains["short"] = ("text", f"length(VALUE) < {rng.randint(10, 40)}")
    elif way < 0.7:
        schema.enums[f"kind_{rng.randint(1, 9)}"] = rng.sample(WORDS, 3)
    elif on.triggers:
        on.triggers[0].enabled = rng.choice(("DISABLE", "ENABLE ALWAYS"))
    else:
        add_trigger(rng, schema, on)


CHANGES: tuple[Callable[[random.Random, Schema, Table], None], ...] = (
    add_column, add_column, drop_column, rename_column, retype_column, retype_column, change_default,
    change_not_null, change_key, add_index, add_check, drop_something, add_trigger, add_policy, change_enum,
    change_function, add_view, change_view, change_view, add_table, drop_table, rename_table, change_rights,
    change_other,
)  # fmt: skip


def case(number: int) -> Case:
    """Return a schema and what one to eight changes made of it; every third in another order of columns."""
    rng = random.Random(9400 + number)
    old = application(rng)
    new = copy.deepcopy(old)
    for _ in range(rng.randint(1, 8)):
        rng.choice(CHANGES)(rng, new, rng.choice(new.tables))
    if number % 3 == 0:
        for changed in new.tables:
            rng.shuffle(changed.columns)
    return Case(f"random: {number:03}", write(old), write(new))
