"""Run in the environment of postgres-mcp: {url, statements, budget, columns} in, the indexes it advises out.

Its tuning advisor alone is loaded; the rest of the package talks to language models.
"""

from __future__ import annotations

import asyncio
import importlib.machinery
import json
import sys
import types
from pathlib import Path
from typing import Any


async def advise(url: str, statements: list[str], budget: int, columns: dict[str, list[str]]) -> list[str]:
    from postgres_mcp.index.dta_calc import DatabaseTuningAdvisor
    from postgres_mcp.sql import DbConnPool, SqlDriver

    pool = DbConnPool()
    await pool.pool_connect(url)
    try:
        advisor = DatabaseTuningAdvisor(SqlDriver(conn=pool), budget_mb=budget)
        extract = advisor._sql_bind_params.extract_stmt_columns

        # A column without its table's name is taken for one of every table of the statement, and one that
        # isn't there ends the whole run.
        def existing(statement: Any) -> dict[str, set[str]]:
            return {
                table: set(names) & set(columns.get(table, ())) for table, names in extract(statement).items()
            }

        advisor._sql_bind_params.extract_stmt_columns = existing
        found = await advisor.analyze_workload(query_list=statements, max_index_size_mb=budget)
    finally:
        await pool.close()
    if found.error:
        raise RuntimeError(found.error)
    return [str(one.definition) for one in found.recommendations]


def main() -> None:
    wanted = json.load(sys.stdin)
    home = next(Path(place) / "postgres_mcp" for place in sys.path if (Path(place) / "postgres_mcp").is_dir())
    package = types.ModuleType("postgres_mcp")
    package.__path__ = [str(home)]
    package.__spec__ = importlib.machinery.ModuleSpec("postgres_mcp", None, is_package=True)
    sys.modules["postgres_mcp"] = package
    print(json.dumps(asyncio.run(advise(**wanted))))


if __name__ == "__main__":
    main()
