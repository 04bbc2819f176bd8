"""Fixtures all tests share.

server      one throwaway cluster for the whole run          db          a fresh database with the extension
own_server  makes more of them, to stop, kill and mistreat   tap_db      the same with pgTAP
cron_db     the database pg_cron serves, on its own server   empty_db    the same without any extension
redis_server   a throwaway Redis
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import hypothesis
import pytest

from support import database
from support.cluster import Cluster
from support.database import Database
from support.redis import RedisServer

# Databases have no fixed speed; and CI runs the same examples each time, a person new ones.
hypothesis.settings.register_profile("here", deadline=None, derandomize=bool(os.environ.get("CI")))
hypothesis.settings.load_profile("here")


class MakeServer(Protocol):
    """Start a cluster of its own for a test; see Cluster."""

    def __call__(
        self, settings: Mapping[str, str] | None = None, *, durable: bool = False, faketime: bool = False
    ) -> Cluster: ...


@pytest.fixture(scope="session")
def server() -> Iterator[Cluster]:
    cluster = Cluster({"max_connections": "200"})
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()


def _template(server: Cluster, name: str, *extensions: str) -> str:
    made = database.create(server, name=name)
    for extension in extensions:
        made.sql(f"CREATE EXTENSION {extension}")
    made.close()
    # TimescaleDB's launcher looks into every database that lets it, and a template in use can't be copied.
    with server.admin() as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        admin.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s", [name]
        )
    return name


@pytest.fixture(scope="session")
def template(server: Cluster) -> str:
    return _template(server, "template_asymm", "asymmetrica")


@pytest.fixture(scope="session")
def tap_template(server: Cluster) -> str:
    return _template(server, "template_tap", "asymmetrica", "pgtap")


def _fresh(server: Cluster, template: str) -> Iterator[Database]:
    made = database.create(server, template)
    try:
        yield made
    finally:
        made.drop()


@pytest.fixture
def db(server: Cluster, template: str) -> Iterator[Database]:
    yield from _fresh(server, template)


@pytest.fixture
def tap_db(server: Cluster, tap_template: str) -> Iterator[Database]:
    yield from _fresh(server, tap_template)


@pytest.fixture
def empty_db(server: Cluster) -> Iterator[Database]:
    yield from _fresh(server, "template0")


@pytest.fixture
def own_server() -> Iterator[MakeServer]:
    made: list[Cluster] = []

    def make(
        settings: Mapping[str, str] | None = None, *, durable: bool = False, faketime: bool = False
    ) -> Cluster:
        cluster = Cluster(settings, durable=durable, faketime=faketime)
        made.append(cluster)
        cluster.start()
        return cluster

    yield make
    for cluster in made:
        cluster.remove()


@pytest.fixture
def cron_db(own_server: MakeServer) -> Iterator[Database]:
    made = database.create_cron(own_server())
    yield made
    made.close()


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    redis = RedisServer()
    try:
        redis.start()
        yield redis
    finally:
        redis.remove()


_log_start = pytest.StashKey[dict[Cluster, int]]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    item.stash[_log_start] = {cluster: cluster.log_size() for cluster in Cluster.live}


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Show with a failed test what the servers logged meanwhile."""
    outcome = yield
    report: pytest.TestReport = outcome.get_result()  # type: ignore[attr-defined]
    if report.failed:
        since = item.stash.get(_log_start, {})
        for cluster in Cluster.live:
            lines = cluster.log_text(since.get(cluster, 0)).splitlines()[-60:]
            report.sections.append((f"server log of {cluster.directory}", "\n".join(lines)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are processors: a third of the time tests wait for beats and servers."""
    return len(os.sched_getaffinity(0)) + 1


# Of these a run of everything takes every second test, so that it stays short; a run of a part takes all,
# and so does the long run.
SAMPLED = {
    "catalog/test_ddl_log.py",
    "catalog/test_mirror.py",
    "catalog/test_policies.py",
    "driver/test_annotations.py",
    "driver/test_command_line.py",
    "driver/test_methods.py",
    "faults/test_index_faults.py",
    "faults/test_index_autopilot.py",
    "faults/test_index_build.py",
    "faults/test_index_others.py",
    "faults/test_index_search.py",
    "mirror/test_connections.py",
    "mirror/test_interference.py",
    "mirror/test_odd_rows.py",
    "mirror/test_rows.py",
    "property/test_advice.py",
    "property/test_candidates.py",
    "property/test_expressions.py",
    "property/test_index_advice.py",
    "property/test_index_validation.py",
    "property/test_plans.py",
    "property/test_workload.py",
    "reads/test_pages.py",
    "reads/test_routes.py",
    "reads/test_values.py",
    "reads/test_violence.py",
}
_EVERYTHING = 3000


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what a short run of everything has no time for."""
    if len(items) < _EVERYTHING or config.option.keyword:
        return
    turn: Counter[str] = Counter()
    for item in sorted(items, key=lambda item: item.nodeid):
        name = "/".join(item.path.parts[-2:])
        if name in SAMPLED and not item.get_closest_marker("long"):
            turn[name] += 1
            if turn[name] % 2 != 1:
                item.add_marker(pytest.mark.long)


_long = pytest.StashKey[int]()


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("long"):
            item.config.stash[_long] = item.config.stash.get(_long, 0) + 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["long"] = session.config.stash.get(_long, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Learn from a worker, which all see the same tests, how many were left out."""
    node.config.stash[_long] = getattr(node, "workeroutput", {}).get("long", 0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say in one line what did not run, and why."""
    reasons: Counter[str] = Counter()
    for report in terminalreporter.getreports("skipped"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[reason.removeprefix("Skipped: ")] += 1
    if left := config.stash.get(_long, 0):
        reasons["long: make test-long"] = left
    said = "; ".join(f"{count} {reason}" for reason, count in reasons.most_common()) or "nothing"
    terminalreporter.write_line(f"not run: {said}")
