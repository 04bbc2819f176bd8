"""An act about people: what is sensitive is hashed, masked and erased, and found nowhere else."""

from __future__ import annotations

import secrets

from psycopg import sql

from ..privacy import Hasher, Peppers
from .story import Story

_TABLES = """
DROP SCHEMA IF EXISTS passengers CASCADE;
CREATE SCHEMA passengers;
CREATE TABLE passengers.people (id int PRIMARY KEY, name text, email text);
CREATE TABLE passengers.bookings (id int PRIMARY KEY, person int REFERENCES passengers.people, seat text)
"""
# Tables of the extension's own, without the parts of partitioned ones and what declares.
_OURS = """SELECT c.oid::regclass::text FROM pg_class AS c WHERE c.relnamespace = 'asymm'::regnamespace
    AND c.relkind IN ('r', 'p') AND NOT c.relispartition"""


def people(story: Story) -> None:
    """Protect two columns, look a person up by a token, erase one, and search for what was erased."""
    screen, db, run = story.screen, story.stage.db, story.stage.connection.execute
    screen.title("People: protected columns, tokens, and somebody who wants to be forgotten")
    for statement in _TABLES.split(";"):
        run(statement)
    # A pepper of an hour: a real one is in the environment or in a file of one's own.
    hasher = Hasher("email", kind="email", peppers=Peppers("email", {1: secrets.token_bytes(32)}))
    canary = f"canary{secrets.token_hex(6)}"
    for number, name in enumerate(("Anna", canary, "Bo"), 1):
        email = hasher.token(f"{name}@passengers.example")
        run("INSERT INTO passengers.people VALUES (%s, %s, %s)", (number, name, email))
        run("INSERT INTO passengers.bookings VALUES (%s, %s, '12A')", (number, number))
    db.protect("passengers.people", "email", method="hash")
    db.protect("passengers.people", "name")
    view = db.create_masked_view("passengers.people")
    shown = run(
        sql.SQL("SELECT name FROM {} WHERE id = 1").format(sql.Identifier(*view.split(".")))
    ).fetchone()
    screen.check(shown == ("A***",), f"{view} shows Anna as {shown and shown[0]}")
    found = run(
        "SELECT id FROM passengers.people WHERE email = ANY (%s)",
        (hasher.tokens(" ANNA@Passengers.example"),),
    ).fetchall()
    screen.check(
        found == [(1,)], "Anna is found by her address, which was never here: h1: and an HMAC-SHA-256"
    )
    db.register_subject("passenger", "passengers.people", "id")
    db.register_subject("passenger", "passengers.bookings", "person")
    screen.line("SELECT * FROM asymm.forget('2', dry_run => false, kind => 'passenger');", "cyan")
    erased = db.forget("2", dry_run=False, kind="passenger")
    screen.check(
        sum(row.erased for row in erased) >= 2 and not any(row.remaining for row in erased),
        "erased from all registered places and read back: "
        + ", ".join(f"{r.place} {r.erased}" for r in erased[:2]),
    )
    tables = [*(name for (name,) in run(_OURS)), "passengers.people", "passengers.bookings"]
    left = [name for name in tables if _holds(story, name, canary)]
    screen.check(
        not left, f"the erased name is in none of {len(tables)} tables" if not left else f"left: {left}"
    )
    state = db.verify_audit(anchor=db.seal_audit())
    screen.check(
        state.intact, f"the audit is whole: {state.entries} entries, anchor {(state.anchor or '')[:20]}…"
    )


def _holds(story: Story, table: str, word: str) -> bool:
    query = sql.SQL("SELECT EXISTS (SELECT FROM {} AS t WHERE strpos(t::text, %s) > 0)")
    name = sql.Identifier(*(part.strip('"') for part in table.split(".")))
    row = story.stage.connection.execute(query.format(name), (word,)).fetchone()
    return bool(row and row[0])
