"""Reads that take the cheapest way that is fresh enough: near cache, Redis, a replica, the primary.

Why no answer is older than it says:

The worker writes the position `lsn`, the version of each table it changed and the rows in one transaction
of Redis. A reader asks for `lsn` and Redis' time first and for the rest after it, so what it reads is at
least as new as that position; `fresh` says until which moment Redis had everything, and the age is counted
from there.

A kept result has a fence: a position whose commits are all known to be visible on the primary (`settled`),
read before the snapshot of the query was taken. Later commits to its tables, and any DDL, leave a version
above the fence, so a result whose tables' versions are not above its fence is what the query would give at
`lsn`. Whether a table may be read at all (`safe`), and under which epoch, is asked with the versions.

The near cache holds what was read on one connection with client tracking. Redis tells of a change before it
sends any later reply on that connection, so what is still there when a reply has come was true at that
reply's position and time; a lost connection, or a mirror that went back, empties it.

A `connect()` never sees less than it saw or wrote: `State.floor` is the position it has seen, and the end
of the log after its own commits and reads of the primary; a copy that is not there yet is waited for, or
Postgres is asked. A commit is in the log a little before the primary shows it: after a row of such a commit
was read from Redis, the primary is asked only when `settled` has come that far. If Redis is lost just then,
the primary is asked at once: the one case in which a reader can see less than before, for as long as the
commit takes.

Who may read what is a part of a result's name: role, memberships and settings, asked again each minute,
since granting a role is no event; GRANT and REVOKE on objects are DDL.
"""

from __future__ import annotations

from .result import Result, Route, Row

__all__ = ["Result", "Route", "Row"]
