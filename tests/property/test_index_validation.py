"""Whether an index is kept: told from counters that are written here, so that nobody has to wait."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest

from support.database import Database
from support.indexes import Shop

BEFORE, AFTER = 6, 8


class Trial:
    """An index of app.orders under validation, and queries with the counters one likes."""

    def __init__(self, db: Database, kind: str = "create index") -> None:
        self.shop = Shop(db)
        self.db = db
        self.relid = db.value("SELECT 'app.orders'::regclass::oid::bigint")
        self.queries: dict[str, int] = {}
        for number, (name, command, relation) in enumerate(
            [("read", "select", self.relid), ("other", "select", self.relid), ("write", "insert", self.relid)]
            + [(f"control {n}", "select", 1) for n in range(6)]
        ):
            self.queries[name] = db.value(
                "INSERT INTO asymm.query (queryid, role_id, toplevel, command, statement)"
                " VALUES (%s, 10, true, %s, %s) RETURNING id",
                number,
                command,
                name,
            )
            db.sql(
                "INSERT INTO asymm.query_look (query_id, at, relations) VALUES (%s, now(), ARRAY[%s::oid])",
                self.queries[name],
                relation,
            )
        db.sql("SELECT asymm.configure_indexes(validation_min => '1 min', validation_max => '1 h')")
        if kind == "drop index":
            db.sql("CREATE INDEX orders_email ON app.orders (email)")
        advised = {"query": self.queries["read"], "saved_ms_per_hour": 100}
        self.action = self.shop.propose(kind, index="orders_email", queries=[advised])
        self.shop.step()
        assert self.shop.state(self.action) == "validating"
        db.sql("DELETE FROM asymm.query_mark")

    def measured(
        self,
        ratio: Mapping[str, float],
        *,
        minutes: int = 5,
        noise: float = 0.05,
        drift: float = 1.0,
        calls: int = 100,
        scans: int = 9,
        after: int = AFTER,
        seed: int = 1,
    ) -> str:
        """Write windows in which each query took its time by ratio after the build, and judge."""
        chance = random.Random(seed)
        db = self.db
        db.sql("DELETE FROM asymm.query_mark")
        db.sql(
            "UPDATE asymm.index_action SET built_at = clock_timestamp() - make_interval(mins => %s),"
            " ordered_at = clock_timestamp() - make_interval(mins => %s), looks = %s, scans_before = -%s",
            minutes,
            minutes + 1,
            after,
            scans,
        )
        for name, query in self.queries.items():
            total, count = 0.0, 0
            for window in range(BEFORE + after + 1):
                late = window > BEFORE
                level = 10 * (drift * ratio.get(name, 1) if late else 1)
                total += calls * level * chance.lognormvariate(0, noise)
                count += calls
                start, step = (
                    ("ordered_at", window - BEFORE - 1) if not late else ("built_at", window - BEFORE)
                )
                # The first look after the build opens the first window.
                db.sql(
                    "INSERT INTO asymm.query_mark SELECT %s, " + start + " + %s * interval '10 s', %s, %s, %s"
                    " FROM asymm.index_action",
                    query,
                    step,
                    count,
                    total,
                    count * 5,
                )
        verdict = db.value("SELECT asymm._judge_index(%s)", self.action)
        assert verdict in (None, "keep", "revert")
        return self.shop.state(self.action)

    def reason(self) -> str:
        reason: str = self.db.value(
            "SELECT note FROM asymm.action_history(%s) ORDER BY at DESC LIMIT 1", self.action
        )
        return reason


def test_a_gain_is_kept_and_told(db: Database) -> None:
    trial = Trial(db)
    assert trial.measured({"read": 0.2}) == "kept"
    assert trial.reason().startswith("it saves ")
    saved, queries = db.sql("SELECT measured_ms_per_hour, queries FROM asymm.advice")[0]
    read = next(row for row in queries if row["query"] == trial.queries["read"])
    assert read["high"] < 0.3
    assert 0.15 < read["ratio"] < 0.25
    # 800 calls in five minutes, 8 ms each.
    assert saved == pytest.approx(800 * 12 * 8, rel=0.25)


def test_a_query_that_gets_slower_takes_it_back_at_once(db: Database) -> None:
    trial = Trial(db)
    assert trial.measured({"read": 0.5, "other": 2.5}, minutes=1, after=4) == "reverting"
    assert "times as long" in trial.reason()
    trial.shop.step()
    assert (trial.shop.indexes(), trial.shop.state(trial.action)) == ([], "reverted")
    # It isn't proposed again while the verdict is remembered.
    assert db.value(
        "SELECT asymm._propose_index('create index',"
        """ '{"schema": "app", "table": "orders", "keys": ["email"], "proved": true}') IS NULL"""
    )


def test_a_query_that_got_another_plan_is_not_held_against_it(db: Database) -> None:
    """A build has every plan made anew: the one that got slower is looked at before anything is said."""
    trial = Trial(db)
    slow = trial.queries["other"]
    ratio = {"read": 0.05, "other": 1.8}
    for column, uses, state in (("status", False, "kept"), ("email", True, "reverting")):
        statement = f"SELECT id FROM app.orders WHERE {column} = $1"
        db.sql("UPDATE asymm.query SET statement = %s WHERE id = %s", statement, slow)
        db.sql("UPDATE asymm.query_look SET at = now() - interval '1 h' WHERE query_id = %s", slow)
        db.sql("DELETE FROM asymm.query_plan")
        db.sql("UPDATE asymm.action SET state = 'applied'")
        assert trial.measured(ratio, noise=0.01) == "validating"
        trial.shop.tender.execute(
            "SELECT asymm._keep_plan(query, asymm._plan_statement(statement, path))"
            " FROM asymm._index_suspects()"
        )
        assert trial.measured(ratio, noise=0.01) == state
        queries = {row["query"]: row for row in db.value("SELECT queries FROM asymm.advice")}
        assert queries[slow]["uses"] == uses


def test_what_happens_to_all_queries_is_no_regression(db: Database) -> None:
    trial = Trial(db)
    assert trial.measured({}, drift=2.0, minutes=5) == "validating"
    assert trial.measured({"read": 0.4}, drift=2.0) == "kept"


def test_before_is_the_time_just_before(db: Database) -> None:
    """What was quick an hour ago, under another load, did not become slow by the index."""
    trial = Trial(db)
    assert trial.measured({}) == "validating"
    db.sql(
        "INSERT INTO asymm.query_mark SELECT f.query_id, f.at - interval '1 h' - n * interval '10 s',"
        " f.calls - 100 * n, f.exec_ms - CASE f.query_id WHEN %s THEN 100 ELSE 1000 END * n, 0"
        " FROM generate_series(1, 30) AS n,"
        " (SELECT DISTINCT ON (query_id) * FROM asymm.query_mark ORDER BY query_id, at) AS f",
        trial.queries["other"],
    )
    db.sql("SELECT asymm._judge_index(%s)", trial.action)
    assert trial.shop.state(trial.action) == "validating"


def test_one_window_is_no_regression(db: Database) -> None:
    """Just after a build pages are read that its sort has pushed out."""
    trial = Trial(db)
    assert trial.measured({"other": 9}, minutes=1, after=2) == "validating"
    assert trial.measured({"other": 9}, minutes=1, after=3) == "reverting"


def test_an_index_of_another_table_is_not_taken_for_this_one(db: Database) -> None:
    """What others gained in the meantime is neither noise nor the weather."""
    trial = Trial(db)
    trial.measured({})
    other = trial.shop.propose(approve=False, keys=["status"])
    db.sql("UPDATE asymm.index_action SET relid = 1, ordered_at = now() WHERE action_id = %s", other)
    for state in ("approved", "applying", "applied"):
        db.sql("SELECT asymm._set_action_state(%s, %s)", other, state)
    db.sql(
        "UPDATE asymm.action_event AS e SET at = i.built_at + interval '2 s' FROM asymm.index_action AS i"
        " WHERE i.action_id = %s AND e.action_id = %s",
        trial.action,
        other,
    )
    assert trial.measured({f"control {n}": 0.001 for n in range(6)} | {"read": 0.2}) == "kept"


def test_writes_may_cost_what_reads_save(db: Database) -> None:
    trial = Trial(db)
    assert trial.measured({"read": 0.9, "write": 1.5}) == "reverting"
    assert "costs" in trial.reason()


def test_writes_that_cost_less_than_reads_save(db: Database) -> None:
    assert Trial(db).measured({"read": 0.1, "write": 1.3}) == "kept"


def test_no_use_and_no_gain_are_taken_back(db: Database) -> None:
    trial = Trial(db)
    assert trial.measured({}) == "validating"
    assert trial.measured({}, minutes=61) == "reverting"
    assert trial.reason() == "no query became measurably faster"


def test_no_gain_that_shows_for_long_is_not_waited_for(db: Database) -> None:
    """Meanwhile no other index of the table can be tried."""
    trial = Trial(db)
    assert trial.measured({"read": 0.5}, scans=1, noise=2.0, after=20, calls=4) == "validating"
    assert trial.measured({}, after=20) == "reverting"
    assert trial.reason() == "no query became measurably faster"


def test_what_is_not_used_goes(db: Database) -> None:
    trial = Trial(db)
    assert trial.measured({"read": 0.5}, scans=0) == "reverting"
    assert trial.reason() == "it was not used"


def test_a_rare_query_is_waited_for(db: Database) -> None:
    trial = Trial(db)
    assert trial.measured({"read": 0.2}, calls=1, after=1) == "validating"
    assert trial.measured({"read": 0.2}, calls=1, after=8) == "kept"


def test_a_counter_that_began_anew_loses_one_window(db: Database) -> None:
    """F26: no negative difference, and no verdict from it."""
    trial = Trial(db)
    db.sql("UPDATE asymm.index_setting SET validation_min = '30 min'")
    assert trial.measured({"read": 0.2}) == "validating"
    db.sql(
        "UPDATE asymm.query_mark AS m SET calls = 3, exec_ms = 1, blocks = 0 FROM asymm.index_action AS i"
        " WHERE m.at = (SELECT max(n.at) FROM asymm.query_mark AS n)"
    )
    db.sql("SELECT asymm._judge_index(%s)", trial.action)
    assert trial.shop.state(trial.action) == "validating"
    assert db.value("SELECT bool_and(ratio < 1.2) FROM asymm._measure_index(%s)", trial.action)


def test_a_drop_is_validated_too(db: Database) -> None:
    trial = Trial(db, "drop index")
    assert trial.measured({"read": 3}) == "reverting"
    trial.shop.step()
    assert trial.shop.indexes() == [("orders_email", True)]


def test_a_drop_that_harms_nobody_is_kept(db: Database) -> None:
    trial = Trial(db, "drop index")
    db.sql("SELECT asymm.configure_indexes(max_regression => 0.3)")
    assert trial.measured({"write": 0.8}) == "kept"
    assert trial.reason() == "no query became slower"


def test_few_are_wrong(db: Database) -> None:
    """With no effect at all, verdicts are rare: at 95 %, over all queries and looks of one index."""
    trial = Trial(db)
    wrong = 0
    for seed in range(20):
        state = trial.measured({}, noise=0.3, seed=seed)
        wrong += state != "validating"
        db.sql("UPDATE asymm.action SET state = 'applied' WHERE id = %s", trial.action)
    assert wrong <= 3
