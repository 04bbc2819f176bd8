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
reply's position and time; a lost connection, or a mirror that went back, empties it. Where Redis can't track,
results are kept near too, each use of one after Redis was asked for the versions of its tables.

A `connect()` never sees less than it saw or wrote: `State.floor` is the position it has seen, and the end
of the log after its own commits and reads of the primary; a copy that is not there yet is waited for, or
Postgres is asked. A commit is in the log a little before the primary shows it: after a row of such a commit
was read from Redis, the primary is asked only when `settled` has come that far. If that takes more than
0.25 s (with a budget, more than that), or Redis is lost just then, the primary is asked all the same: the one
case in which a reader can see less than before, for as long as the commit takes to become visible. With
replicas it is the same: what was seen on one that is ahead of the primary is waited for as long.

Who may read what is a part of a result's name: role, memberships and settings, asked again each minute,
since granting a role is no event; GRANT and REVOKE on objects are DDL. Settings that statements of this
`connect()` change, and temporary tables they make, are noticed with the statement.

Limits:

- A copy that is about to come is waited for as long as Postgres took for that query, at least 3 ms, at most
  50 ms; with a `budget` for that, at most 60 s.
- An answer of Redis may take 0.5 s. A route that failed rests for 203.7 ms, each further time twice as long,
  up to 52 s, or by chance down to a quarter of that; then one call tries it. A replica has 2 s to connect,
  unless its connection string says otherwise.
- A query that fails on a route (Redis is behind, holds what isn't ours, a replica cancels it) has a circuit
  of its own there, and so have the rows of a table. It is opened when the route loses the arbitration too,
  in which its share of answers counts for three, its speed for one; for 203.7 ms at first, up to 3.3 s.
- Rows of `get_many()` from Redis are of one moment, and of none between two parts of a transaction; those it
  lacks are asked of Postgres, fifty in a statement, each of a moment of its own.
- A result is kept for an hour at most, and if it has no more than 1 MiB; one session makes it, while others
  wait, for 2 s at most. In this process: `near_cache_bytes`, an entry a tenth of that. Rows in this process
  have a key of one column, an integer or a text.
- That a result can't be kept is believed for a second, as is that a table is not mirrored.
- Redis' clock may be 50 ms behind the worker's reading of it; if it is set back by more, copies are not used.
- Who waits for the connection, while another thread or task has it in a transaction, waits for 30 s at most.
- Counts are told every ten seconds, with a read of the primary, and at the end: of 400 queries, tables and
  routes, and the 100 keys that are read or missed most, of texts up to 200 characters.
"""

from __future__ import annotations

from .result import Result, Route, Row

__all__ = ["Result", "Route", "Row"]
