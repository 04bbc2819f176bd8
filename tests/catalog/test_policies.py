"""Policies by rule: whose objects they are for, and what they let the background do in a real beat."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from support.database import Database
from support.pulse import make_actor, make_table
from support.scene import Scene, refused, rows

SQL = Path(__file__).parents[2] / "sql" / "api"


class House:
    """A table with rows, its owner's actor, and an operator who may act for the owner."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.actor, self.owner = make_actor(db)
        make_table(db, self.owner)
        db.sql("CREATE INDEX item_label ON app.item (label)")
        db.sql("SELECT asymm.adopt('app.item')")
        self.operator = db.role("operator", member_of=("asymm_operator", self.owner))
        self.as_operator = db.connect(user=self.operator)
        self.as_actor = db.connect(user=self.actor)

    def rule(self, *arguments: str | int | None, **named: str | int) -> int:
        """Set a rule as the operator."""
        values = [*arguments, *named.values()]
        call = ", ".join(["%s"] * len(arguments) + [f"{name} => %s" for name in named])
        found: int = rows(self.as_operator, f"SELECT asymm.set_policy({call})", *values)[0][0]
        return found

    def slip(self, *statements: str) -> tuple[str, str]:
        """Make it, beat twice; return the state and reason of the last action."""
        for statement in statements:
            self.db.sql(statement)
        return self.beat()

    def beat(self) -> tuple[str, str]:
        for _ in range(2):
            rows(self.as_actor, "SELECT asymm.beat()")
        found = self.db.sql(
            "SELECT state, reason FROM asymm.actions WHERE kind = 'heal' ORDER BY id DESC LIMIT 1"
        )
        return found[0] if found else ("none", "")

    def sees(self, hazard: str | None = None) -> tuple[Any, ...]:
        return self.db.sql(
            "SELECT policy, decided_by FROM asymm.policy_for('app.item') WHERE COALESCE(hazard, '') = %s",
            hazard or "",
        )[0]


@pytest.fixture
def house(db: Database) -> Iterator[House]:
    return House(db)


def test_a_rule_for_a_hazard_holds_a_repair_and_says_so(house: House) -> None:
    number = house.rule("propose", "app.%", hazard="builds index")
    state, reason = house.slip("DROP INDEX app.item_label")
    assert state == "proposed"
    assert reason == f"policy propose by rule {number} (name app.%, hazard builds index)"
    assert house.sees("builds index") == ("propose", f"rule {number}")
    assert house.sees() == ("heal", "watch")
    # Plans without that hazard run as ever; a newer rule of the same conditions is the same rule.
    assert house.slip("ALTER TABLE app.item ALTER label SET DEFAULT 'x'")[0] == "proposed"
    rows(house.as_operator, "SELECT asymm.unset_policy(%s)", number)
    assert house.beat() == ("verified", "policy heal")
    assert house.db.value("SELECT count(*) FROM asymm.drift WHERE resolved_at IS NULL") == 0


def test_a_rule_for_a_hazard_allows_what_watch_does_not(house: House) -> None:
    house.db.sql("SELECT asymm.watch('app.item', 'propose')")
    number = house.rule("heal", hazard="builds index")
    assert house.slip("DROP INDEX app.item_label") == ("verified", "policy heal")
    # The rest of the plan is the object's.
    state, reason = house.slip(
        "DROP INDEX app.item_label", "ALTER TABLE app.item ALTER label SET DEFAULT 'x'"
    )
    assert (state, reason) == ("proposed", "policy propose")
    assert house.rule("observe", hazard="builds index") == number
    house.db.sql("SELECT asymm.watch('app.item', 'observe')")
    house.db.sql("SELECT asymm.reject(max(id)) FROM asymm.actions")
    assert house.slip("COMMENT ON TABLE app.item IS 'seen only'")[0] == "rejected"


def test_no_table_is_rewritten_in_the_background_without_a_rule(house: House) -> None:
    house.db.sql(
        "ALTER TABLE app.item ADD COLUMN made timestamptz DEFAULT now(),"
        " ADD COLUMN n uuid DEFAULT gen_random_uuid()"
    )
    house.db.sql("SELECT asymm.adopt('app.item')")
    assert house.slip("ALTER TABLE app.item DROP COLUMN made") == ("verified", "policy heal")
    file = house.db.value("SELECT pg_relation_filenode('app.item')")
    for slip in (
        "ALTER TABLE app.item DROP COLUMN n",
        "ALTER TABLE app.item ALTER id TYPE bigint",
        "ALTER TABLE app.item SET UNLOGGED",
    ):
        house.db.sql(slip)
        file = house.db.value("SELECT pg_relation_filenode('app.item')")
        state, reason = house.beat()
        assert state == "proposed"
        assert "hazard rewrites table: no rewrite unless" in reason
        assert house.db.value("SELECT pg_relation_filenode('app.item')") == file
    assert house.sees("rewrites table") == ("propose", "default")
    small = house.rule("heal", "app.item", hazard="rewrites table")
    assert house.sees("rewrites table") == ("heal", f"rule {small}")
    assert house.beat() == ("verified", "policy heal")
    # More specific: not for a table of that size.
    large = house.rule("propose", "app.item", hazard="rewrites table", larger_than=1000)
    state, reason = house.slip("ALTER TABLE app.item SET UNLOGGED")
    assert (state, f"by rule {large} (" in reason) == ("proposed", True)
    house.rule("propose", "app.item", hazard="rewrites table", larger_than=10**9)
    rows(house.as_operator, "SELECT asymm.unset_policy(%s)", large)
    assert house.beat() == ("verified", "policy heal")


def test_a_rewrite_that_no_planner_told_of_is_refused(house: House) -> None:
    db = house.db
    house.slip("ALTER TABLE app.item ALTER id TYPE bigint")
    db.sql("""
        UPDATE asymm.action SET state = 'approved', reason = 'policy heal',
               steps = (SELECT jsonb_agg(s || '{"hazards": []}') FROM jsonb_array_elements(steps) AS s)
         WHERE state = 'proposed'""")
    file = db.value("SELECT pg_relation_filenode('app.item')")
    state, _ = house.beat()
    assert (state, db.value("SELECT error ->> 'sqlstate' FROM asymm.actions ORDER BY id DESC LIMIT 1")) == (
        "proposed",
        "SY009",
    )
    assert db.value("SELECT pg_relation_filenode('app.item')") == file
    # Whoever asks for it himself gets it, and other people's rewrites are their own.
    assert db.sql("SELECT state FROM asymm.heal('app.item')") == [("verified",)]
    db.sql("ALTER TABLE app.item ALTER id TYPE bigint")


def test_data_is_deleted_only_by_a_rule_and_within_the_limits(house: House) -> None:
    slip = ("ALTER TABLE app.item ADD COLUMN extra text DEFAULT 'kept'", "DROP INDEX app.item_label")
    # Without a rule the step is left out, the rest runs.
    house.slip(*slip)
    state, reason = house.beat()
    assert (state, "would lose" in reason or "delete data" in reason) == ("proposed", True), reason
    assert (
        house.db.value("SELECT count(*) FROM asymm.actions WHERE kind = 'heal' AND state = 'verified'") == 1
    )
    assert house.db.value("SELECT count(extra) FROM app.item") == 2
    house.db.sql("SELECT asymm.configure(max_table_bytes => 0)")
    number = house.rule("heal", hazard="deletes data")
    state, reason = house.slip("ALTER TABLE app.item ADD COLUMN more text DEFAULT 'kept'")
    assert (state, "max_table_bytes" in reason) == ("proposed", True)
    house.db.sql("SELECT asymm.configure(max_table_bytes => 1000000)")
    assert house.slip("ALTER TABLE app.item ADD COLUMN third text DEFAULT 'kept'")[0] == "verified"
    assert house.db.value("SELECT count(*) FROM information_schema.columns WHERE table_name = 'item'") == 2
    # Said to be asked, nothing of such a plan runs.
    assert house.rule("propose", hazard="deletes data") == number
    state, reason = house.slip(*slip)
    assert (state, f"by rule {number} (" in reason) == ("proposed", True)
    assert house.db.value("SELECT to_regclass('app.item_label')") is None


def test_an_operators_rule_does_nothing_to_others(house: House) -> None:
    db = house.db
    db.sql("SELECT asymm.watch('app.item', 'propose')")
    bob = db.role("bob", member_of=("asymm_operator",))
    as_bob = db.connect(user=bob)
    notices: list[str] = []
    as_bob.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
    for policy in ("heal", "guard", "observe"):
        number = rows(as_bob, "SELECT asymm.set_policy(%s, 'app.item')", policy)[0][0]
        assert notices.pop() == f"rule {number} does nothing for 1 of the 1 objects it is about"
        assert house.sees() == ("propose", "watch")
    rows(as_bob, "SELECT asymm.set_policy('heal', hazard => 'deletes data')")
    (lost,) = db.sql("SELECT lost FROM asymm.policy_for('app.item') WHERE hazard IS NULL")[0]
    assert lost == [
        f'rule {number} (name app.item): observe, role "{bob}" may not act for owner "{house.owner}"'
    ]
    state, reason = house.slip("ALTER TABLE app.item ALTER label SET DEFAULT 'x'")
    assert (state, reason) == ("proposed", "policy propose")
    # His own rule of the same conditions is another one; theirs he can't take back.
    hers = house.rule("heal", "app.item")
    assert hers != number
    refused(as_bob, f"SELECT asymm.unset_policy({hers})")
    refused(
        db.connect(user=db.role("reader", member_of=("asymm_reader",))), "SELECT asymm.set_policy('heal')"
    )
    assert house.beat() == ("verified", "policy heal")
    reader = db.connect(user=db.role("reader", member_of=("asymm_reader",)))
    assert rows(reader, "SELECT policy FROM asymm.policy_for('app.item')")[0] == ("heal",)
    assert len(rows(reader, "SELECT * FROM asymm.policies")) == 3


def test_who_loses_the_right_loses_the_rule(house: House) -> None:
    db = house.db
    db.sql("SELECT asymm.watch('app.item', 'propose')")
    house.rule("heal", "app.item")
    assert house.slip("ALTER TABLE app.item ALTER label SET DEFAULT 'x'")[0] == "verified"
    # Approved, and then the right is gone before it runs.
    db.sql("ALTER TABLE app.item ALTER label SET DEFAULT 'y'")
    db.sql("SELECT asymm._process_ddl()")
    assert db.value("SELECT state FROM asymm.actions ORDER BY id DESC LIMIT 1") == "approved"
    db.sql(f"REVOKE {house.owner} FROM {house.operator}")
    assert house.beat() == ("proposed", "policy propose")
    assert db.value("SELECT policy FROM asymm.watched") == "heal"  # not looked at again yet
    rows(house.as_actor, "SELECT asymm._housekeep()")
    assert db.value("SELECT policy FROM asymm.watched") == "propose"
    # A guard by a rule ends at once.
    db.sql(f"GRANT {house.owner} TO {house.operator}")
    house.rule("guard", "app.item")
    with pytest.raises(psycopg.Error) as caught:
        db.sql("ALTER TABLE app.item ALTER label SET DEFAULT 'z'")
    assert caught.value.sqlstate == "SY002"
    db.sql(f"REVOKE {house.owner} FROM {house.operator}")
    db.sql("ALTER TABLE app.item ALTER label SET DEFAULT 'z'")


def test_rules_follow_names_and_come_to_new_objects(house: House) -> None:
    db = house.db
    db.sql("SELECT asymm.watch_schema('app', 'propose')")
    house.rule("observe", "app.tmp%")
    house.rule("guard", "app.%", "view")
    db.sql(f"SET ROLE {house.owner}")
    db.sql("CREATE TABLE app.tmp_1 (a int)")
    db.sql("CREATE TABLE app.other (a int)")
    db.sql("RESET ROLE")
    db.sql("SELECT asymm._process_ddl()")
    assert db.sql("SELECT object, action IS NULL FROM asymm.drift ORDER BY 1") == [
        ("app.other", False),
        ("app.tmp_1", True),
    ]
    db.sql(f"CREATE VIEW app.v AS SELECT 1 AS a; ALTER VIEW app.v OWNER TO {house.owner}")
    db.sql("SELECT asymm._process_ddl()")
    db.sql("SELECT asymm.adopt('app.v')")
    assert db.value("SELECT policy FROM asymm.watched WHERE object = 'app.v'") == "guard"
    db.sql("ALTER TABLE app.item RENAME TO tmp_item")
    db.sql("SELECT asymm.adopt('app.item')")
    db.sql("SELECT asymm.watch_schema('app', 'propose')")
    found = dict(db.sql("SELECT object, policy FROM asymm.watched"))
    assert found["app.tmp_item"] == "heal"  # watch() of the object itself is more specific
    house.rule("observe", "app.tmp_item")
    assert db.value("SELECT policy FROM asymm.watched WHERE object = 'app.tmp_item'") == "observe"
    db.sql("SELECT asymm.watch('app.tmp_item', 'propose')")
    assert db.value("SELECT policy FROM asymm.watched WHERE object = 'app.tmp_item'") == "propose"


def test_hostile_patterns(scene: Scene) -> None:
    db = scene.db
    db.sql("CREATE TABLE public.canary ()")
    rows(scene.as_ann, "SELECT asymm.watch('public.hers')")
    hostile = (
        "'; DROP TABLE public.canary; --",
        "$1",
        "%s%I%L",
        "a\nb",
        "\\\\",
        "(",
        "é%",
        "%" * 1000,
        "%_" * 500,
    )
    for pattern in hostile:
        rows(scene.as_ann, "SELECT asymm.set_policy('propose', %s)", pattern)
        assert rows(scene.as_ann, "SELECT policy FROM asymm.policy_for('public.hers')")[0] == ("propose",)
    assert db.value("SELECT count(*) FROM asymm.policies") == len(hostile)
    assert db.value("SELECT to_regclass('public.canary') IS NOT NULL")


def test_planners_use_the_words_of_the_list(db: Database) -> None:
    words = set(db.value("SELECT asymm._hazard_words()"))
    sources = "".join(path.read_text() for path in sorted(SQL.glob("4[3-6]*.sql")))
    lists = re.findall(r"(?:ARRAY\[|'\{)[^]}]*(?:\]|\}')", sources)
    said = {word for one in lists for word in re.findall(r"['\"]((?:[a-z]+s|may fail) [a-z ]+)['\"]", one)}
    assert words <= said
    verbs = re.compile("deletes|rewrites|scans|builds|may |changes|drops|loses|locks")
    assert {word for word in said if verbs.match(word)} == words
