"""The reader of TAP: it must not take a broken report for a good one."""

from __future__ import annotations

import pytest

from support import tap


def test_good_report() -> None:
    report = tap.read("1..2\nok 1 - a\nok 2\n# a remark\n")
    assert (report.problems, report.skipped) == ([], [])


@pytest.mark.parametrize(
    ("output", "problem"),
    [
        ("1..1\nnot ok 1 - a\n", "not ok 1 - a"),
        ("1..2\nok 1 - a\n", "planned 2 tests, ran 1"),
        ("1..1\nok 1\nok 2\n", "planned 1 tests, ran 2"),
        ("ok 1 - a\n", "no plan: SELECT plan(n), or no_plan() with finish()"),
        ("", "no plan: SELECT plan(n), or no_plan() with finish()"),
        ("1..1\nok 2 - a\n", "out of order: ok 2 - a"),
        ("1..1\nnot ok 1 - a # TODO later\n", "not ok 1 - a # TODO later"),
        ("1..1\nok 1 - a # TODO later\n", "ok 1 - a # TODO later"),
    ],
)
def test_bad_report(output: str, problem: str) -> None:
    assert tap.read(output).problems == [problem]


def test_skipped_tests_are_named() -> None:
    assert tap.read("1..1\nok 1 - # SKIP no pg_cron\n").skipped == ["no pg_cron"]
    assert tap.read("1..1\nok 1 # SKIP: no pg_cron\n").skipped == ["no pg_cron"]
