"""The mirror: a worker that keeps Redis equal to tables of Postgres, by streaming what is committed."""

from __future__ import annotations

__all__: list[str] = []
