"""A schema as a model that can be changed at random and written down as SQL.

What became impossible by a change (an index over a column that is gone) is left out when it is written.
"""

from __future__ import annotations

from dataclasses import dataclass, field

# Types, each with defaults people give them, and what a function of the schema makes of them.
DEFAULTS = {
    "integer": ("0", "1", "-1"),
    "bigint": ("0", "100"),
    "text": ("''::text", "'none'::text", "lower('X'::text)"),
    "character varying(40)": ("'x'::character varying", "''::character varying"),
    "numeric(10,2)": ("0", "9.95", "0.00"),
    "boolean": ("false", "true"),
    "date": ("CURRENT_DATE", "'2020-02-29'::date"),
    "timestamp with time zone": ("now()", "CURRENT_TIMESTAMP"),
    "jsonb": ("'{}'::jsonb", "'[]'::jsonb"),
    "uuid": ("gen_random_uuid()",),
    "text[]": ("'{}'::text[]", "ARRAY['a'::text]"),
    "double precision": ("0.5",),
}
# Types whose values can be had from each other.
CASTS = {
    "integer": ("bigint", "text", "numeric(10,2)", "character varying(40)"),
    "bigint": ("integer", "text", "double precision"),
    "text": ("character varying(40)", "text[]"),
    "character varying(40)": ("text", "character varying(80)"),
    "character varying(80)": ("text", "character varying(40)"),
    "numeric(10,2)": ("numeric(14,4)", "double precision", "integer"),
    "numeric(14,4)": ("numeric(10,2)", "text"),
    "boolean": ("text", "integer"),
    "date": ("timestamp with time zone", "text"),
    "timestamp with time zone": ("date", "text"),
    "jsonb": ("text",),
    "uuid": ("text",),
    "double precision": ("numeric(10,2)", "text"),
    "text[]": ("text",),
}


def quote(name: str) -> str:
    """Quote a name that needs it."""
    plain = name.isascii() and name.replace("_", "a").isalnum() and name.lower() == name
    return name if plain and name not in ("order", "user", "group", "check", "end") else f'"{name}"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@dataclass
class Column:
    name: str
    type: str
    default: str | None = None
    not_null: bool = False
    generated: str | None = None
    comment: str | None = None


@dataclass
class Index:
    name: str
    columns: list[str]
    unique: bool = False
    lowered: bool = False
    where: str | None = None
    include: str | None = None


@dataclass
class ForeignKey:
    name: str
    column: str
    target: str
    action: str = ""


@dataclass
class Check:
    name: str
    column: str
    form: int = 0


@dataclass
class Trigger:
    name: str
    event: str
    function: str
    enabled: str = ""


@dataclass
class Policy:
    name: str
    column: str
    command: str = "ALL"
    role: str = "app_user"


@dataclass
class Table:
    name: str
    columns: list[Column]
    key: str = "identity"
    checks: list[Check] = field(default_factory=list)
    indexes: list[Index] = field(default_factory=list)
    foreign_keys: list[ForeignKey] = field(default_factory=list)
    triggers: list[Trigger] = field(default_factory=list)
    policies: list[Policy] = field(default_factory=list)
    grants: dict[str, str] = field(default_factory=dict)
    comment: str | None = None
    owner: str | None = None

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)


@dataclass
class View:
    name: str
    source: str
    columns: list[str]
    not_null: str | None = None
    kept: bool = False
    comment: str | None = None
    grants: dict[str, str] = field(default_factory=dict)


@dataclass
class Function:
    name: str
    body: str
    argument: str = "value"
    returns: str = "text"
    options: str = "IMMUTABLE"
    trigger: bool = False


@dataclass
class Schema:
    tables: list[Table] = field(default_factory=list)
    views: list[View] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)
    enums: dict[str, list[str]] = field(default_factory=dict)
    domains: dict[str, tuple[str, str]] = field(default_factory=dict)
    sequences: dict[str, int] = field(default_factory=dict)

    def relation(self, name: str) -> dict[str, str]:
        """Return the columns of a table or view with their types; nothing if there is none."""
        for table in self.tables:
            if table.name == name:
                types = {"id": "bigint"} if table.key != "none" else {}
                return types | {column.name: column.type for column in table.columns}
        for view in self.views:
            if view.name == name:
                source = self.relation(view.source)
                return {column: source[column] for column in view.columns if column in source}
        return {}

    def default(self, column: Column) -> str | None:
        """Return a column's default if its type takes it."""
        if column.type in self.enums:
            return f"{literal(self.enums[column.type][0])}::{quote(column.type)}" if column.default else None
        return column.default if column.default in DEFAULTS.get(column.type, ()) else None
