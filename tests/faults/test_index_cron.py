"""pg_cron as the builder: a job of the actor's own, for one command, gone once that has begun."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.cluster import MAJOR, wait_until
from support.indexes import Shop

if TYPE_CHECKING:
    from faults.conftest import MakeDatabase


# Before 1.5 pg_cron begins whatever it has to once a minute, from then on every few seconds.
SERIAL = MAJOR == "15"
SECONDS = 90 if SERIAL else 30


@pytest.mark.timeout(240)
@pytest.mark.parametrize("by", [pytest.param("pg_cron", marks=[pytest.mark.long] if SERIAL else [])])
def test_built_and_taken_back_by_jobs(own_db: MakeDatabase, by: str) -> None:
    db = own_db()
    shop = Shop(db)
    action = shop.propose(index="orders_email")
    jobs = "SELECT count(*) FROM cron.job"

    def tended(state: str) -> None:
        """Have the organ look every now and then, as the slow lane does, until the action is so far."""

        def done() -> bool:
            shop.tend()
            return shop.state(action) == state

        wait_until(done, SECONDS, f"{state} by {by}")

    shop.tend()
    assert db.sql(
        "SELECT username::text, command LIKE '/* asymmetrica index %% */ CREATE INDEX%%' FROM cron.job"
    ) == [(shop.actor, True)]
    # It is pg_cron's, so no driver gets it.
    assert shop.take() is None
    tended("validating")
    assert (shop.indexes(), db.value(jobs)) == ([("orders_email", True)], 0)
    db.sql("SELECT asymm.revert(%s)", action)
    tended("reverted")
    assert (shop.indexes(), db.value(jobs)) == ([], 0)
    ran = "SELECT count(*), count(*) FILTER (WHERE status = 'succeeded') FROM cron.job_run_details"
    assert db.sql(ran + " WHERE command LIKE '%% INDEX CONCURRENTLY %%'") == [(2, 2)]
