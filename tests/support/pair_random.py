"""Random schemas of plausible applications: tables with what usually comes with them."""

from __future__ import annotations

import random

from support.pair_model import (
    DEFAULTS,
    Check,
    Column,
    ForeignKey,
    Function,
    Index,
    Policy,
    Schema,
    Table,
    Trigger,
    View,
)

TABLES = (
    "account", "address", "booking", "cart", "category", "comment", "company", "contact", "course",
    "customer", "device", "document", "employee", "event", "folder", "group", "invoice", "item", "label",
    "lead", "message", "order", "payment", "person", "product", "project", "review", "shipment", "store",
    "subscription", "task", "team", "ticket", "user", "visit", "Warehouse", "über",
)  # fmt: skip
COLUMNS = (
    "name", "title", "email", "phone", "state", "kind", "amount", "price", "quantity", "rate", "notes",
    "body", "slug", "code", "city", "zip", "country", "starts_on", "ends_on", "created_at", "updated_at",
    "deleted_at", "settings", "tags", "external_id", "position", "active", "verified", "score",
    "Display Name", "check", "end",
)  # fmt: skip
TYPES = tuple(DEFAULTS)
EVENTS = (
    "BEFORE INSERT",
    "BEFORE UPDATE",
    "BEFORE INSERT OR UPDATE",
    "AFTER DELETE",
    "AFTER INSERT OR DELETE",
)
WORDS = ("new", "open", "paid", "sent", "closed", "lost", "it's odd", "on hold")


def column(rng: random.Random, schema: Schema, taken: set[str]) -> Column:
    name = rng.choice([name for name in COLUMNS if name not in taken] or [f"c{len(taken)}"])
    types = TYPES + tuple(schema.enums) + tuple(schema.domains)
    made = Column(name, rng.choice(types), not_null=rng.random() < 0.3)
    if rng.random() < 0.4:
        made.default = rng.choice(DEFAULTS.get(made.type, ("yes",)))
    if rng.random() < 0.15:
        made.comment = f"the {name} of it"
    return made


def table(rng: random.Random, schema: Schema) -> Table:
    taken = {table.name for table in schema.tables} | {view.name for view in schema.views}
    name = rng.choice([name for name in TABLES if name not in taken])
    made = Table(name, [], rng.choice(("identity", "serial", "plain", "identity", "none")))
    for _ in range(rng.randint(3, 8)):
        made.columns.append(column(rng, schema, {c.name for c in made.columns}))
    for target in rng.sample(schema.tables, min(len(schema.tables), rng.randint(0, 2))):
        key = f"{target.name.lower()}_id"
        made.columns.append(Column(key, "bigint"))
        action = rng.choice(("", "ON DELETE CASCADE", "ON DELETE SET NULL", "DEFERRABLE INITIALLY DEFERRED"))
        made.foreign_keys.append(ForeignKey(f"{name}_{key}_fkey", key, target.name, action))
        made.indexes.append(Index(f"{name}_{key}_idx", [key]))
    for _ in range(rng.randint(0, 2)):
        add_index(rng, schema, made)
    if rng.random() < 0.4:
        add_check(rng, schema, made)
    if rng.random() < 0.3:
        made.comment = f"{name}s"
    if rng.random() < 0.4:
        made.grants["app_reader"] = "SELECT"
    return made


def application(rng: random.Random) -> Schema:
    """Return a schema of some tables with what usually comes with them."""
    schema = Schema()
    schema.enums["status"] = rng.sample(WORDS, rng.randint(3, 5))
    schema.domains["short"] = ("text", "length(VALUE) < 50")
    schema.sequences["document_number"] = 1
    schema.functions += [
        Function("clean", "lower({a})"),
        Function("weight", "length({a}) * 2", returns="integer"),
        Function("stamp", "NEW := NEW;", trigger=True),
        Function("journal", "RAISE DEBUG '%', TG_OP;", trigger=True),
    ]
    for _ in range(rng.randint(5, 12)):
        schema.tables.append(table(rng, schema))
    for _ in range(rng.randint(1, 5)):
        add_view(rng, schema, schema.tables[0])
    for one in rng.sample(schema.tables, 2):
        add_trigger(rng, schema, one)
        add_policy(rng, schema, one)
    return schema


def add_index(rng: random.Random, schema: Schema, on: Table) -> None:  # noqa: ARG001
    if on.columns:
        names = [c.name for c in rng.sample(on.columns, min(len(on.columns), rng.randint(1, 2)))]
        where = rng.choice(on.columns).name if rng.random() < 0.25 else None
        include = rng.choice(on.columns).name if rng.random() < 0.2 else None
        name = f"{on.name}_{'_'.join(names)}_{rng.choice('xyz')}"[:60]
        if include not in names and name not in {index.name for index in on.indexes}:
            lowered = rng.random() < 0.2
            on.indexes.append(Index(name, names, rng.random() < 0.2, lowered, where, include))


def add_check(rng: random.Random, schema: Schema, on: Table) -> None:  # noqa: ARG001
    fit = [
        c
        for c in on.columns
        if c.type in ("text", "integer", "bigint", "numeric(10,2)", "character varying(40)")
    ]
    if fit:
        chosen = rng.choice(fit)
        name = f"{on.name}_{chosen.name}_ok"
        if name not in {check.name for check in on.checks}:
            on.checks.append(Check(name, chosen.name, rng.randint(0, 5)))


def add_view(rng: random.Random, schema: Schema, _: Table) -> None:
    source = rng.choice([t.name for t in schema.tables] + [v.name for v in schema.views])
    columns = list(schema.relation(source))
    if columns:
        chosen = rng.sample(columns, rng.randint(1, len(columns)))
        name = f"{source}_view"[:40]
        if not schema.relation(name):
            null = rng.choice(columns) if rng.random() < 0.4 else None
            view = View(name, source, chosen, null, rng.random() < 0.25)
            view.grants = {"app_reader": "SELECT"} if rng.random() < 0.3 else {}
            view.comment = "seen" if rng.random() < 0.3 else None
            schema.views.append(view)


def add_trigger(rng: random.Random, schema: Schema, on: Table) -> None:  # noqa: ARG001
    name = f"{on.name}_{rng.choice(('a', 'b', 'c'))}"
    if name not in {trigger.name for trigger in on.triggers}:
        on.triggers.append(Trigger(name, rng.choice(EVENTS), rng.choice(("stamp", "journal"))))


def add_policy(rng: random.Random, schema: Schema, on: Table) -> None:  # noqa: ARG001
    if on.columns:
        name = f"{on.name} {rng.choice(('own', 'all', 'some'))}"
        if name not in {policy.name for policy in on.policies}:
            command = rng.choice(("ALL", "SELECT", "UPDATE", "INSERT"))
            on.policies.append(Policy(name, rng.choice(on.columns).name, command))
