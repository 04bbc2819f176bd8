"""Reads TAP, the report a pgTAP file prints."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

LINE = re.compile(r"^(not )?ok (\d+)(?: -(?: .*?)??)??(?: # (SKIP|TODO)\b:? *(.*))?$", re.IGNORECASE)
PLAN = re.compile(r"^1\.\.(\d+)$")


@dataclass
class Report:
    """What a report says: its problems, and the reasons of what it skipped."""

    problems: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def read(output: str) -> Report:
    """Find failures, tests out of order, a plan that is missing or not kept."""
    report, planned, seen = Report(), None, 0
    for line in output.splitlines():
        if plan := PLAN.match(line):
            planned = int(plan.group(1))
        elif test := LINE.match(line):
            seen += 1
            if test.group(1) or (test.group(3) or "").upper() == "TODO":
                report.problems.append(line)
            elif test.group(3):
                report.skipped.append(test.group(4) or "no reason given")
            if int(test.group(2)) != seen:
                report.problems.append(f"out of order: {line}")
    if planned is None:
        report.problems.append("no plan: SELECT plan(n), or no_plan() with finish()")
    elif planned != seen:
        report.problems.append(f"planned {planned} tests, ran {seen}")
    return report
