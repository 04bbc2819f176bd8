"""Thin driver for the Asymmetrica extension of PostgreSQL.

import asymmetrica

with asymmetrica.connect("postgresql://localhost/shop") as db:
    db.watch("public.invoices", policy="heal")
    for row in db.drift():
        print(row.object, row.part, row.name, row.role, row.repair)
"""

from importlib.metadata import version

from . import algebra, errors, rows
from ._database_async import AsyncDatabase, connect_async
from ._database_sync import Database, connect
from ._pulses_async import AsyncPulses
from ._pulses_sync import Pulses
from ._redact import redact, show_dsn
from .algebra import Context, Cost
from .errors import *  # noqa: F403
from .hashing import content_hash
from .reads import Result as QueryResult
from .reads import Row
from .rows import *  # noqa: F403

__version__ = version("asymmetrica")

__all__ = [
    "AsyncDatabase",
    "AsyncPulses",
    "Context",
    "Cost",
    "Database",
    "Pulses",
    "QueryResult",
    "Row",
    "__version__",
    "algebra",
    "connect",
    "connect_async",
    "content_hash",
    "redact",
    "show_dsn",
]
__all__ += errors.__all__
__all__ += rows.__all__
