"""Names of keys in Redis: the public format other programs read.

`{prefix}:{schema.table}:e{epoch}:{key}`; schema, table and each value of the key are percent-encoded where
a character is not one of A-Z a-z 0-9 _ . ~ - (in the names of schema and table the dot too), the values of a
key of several columns are joined by commas.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote_from_bytes

__all__ = ["Names", "encode_key", "encode_text", "table_name"]

_PLAIN = re.compile(rb"[A-Za-z0-9_.~-]*")


def encode(value: bytes) -> bytes:
    """Percent-encode one value of a key."""
    if _PLAIN.fullmatch(value):
        return value
    return quote_from_bytes(value, safe="").encode()


def encode_text(value: str) -> str:
    """Percent-encode one value of a key."""
    if value.isascii() and value.isalnum():
        return value
    return encode(value.encode()).decode()


def encode_key(values: Sequence[bytes]) -> bytes:
    """Return the last part of a row's key in Redis."""
    if len(values) == 1:
        value = values[0]
        return value if value.isalnum() else encode(value)
    return b",".join(map(encode, values))


def table_name(schema: str, table: str) -> str:
    """Return what stands for a table in keys: schema.table; of the entities `entity`, which no table's is."""
    if (schema, table) == ("asymm", "data_entity"):
        return "entity"
    return ".".join(encode(name.encode()).decode().replace(".", "%2E") for name in (schema, table))


class Names:
    """The keys of one mirror."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.lsn = f"{prefix}:mirror:lsn".encode()
        self.reported = f"{prefix}:mirror:reported".encode()
        self.partial = f"{prefix}:mirror:partial".encode()
        self.leader = f"{prefix}:mirror:leader".encode()
        self.source = f"{prefix}:mirror:source".encode()
        self.tables = f"{prefix}:mirror:tables".encode()
        self.counts = f"{prefix}:mirror:rows".encode()
        self.sweeps = f"{prefix}:mirror:sweeps".encode()
        self.ddl = f"{prefix}:mirror:ddl".encode()
        self.settled = f"{prefix}:mirror:settled".encode()
        self.fresh = f"{prefix}:mirror:fresh".encode()
        self.states = f"{prefix}:mirror:states".encode()

    def epoch(self, table: str) -> bytes:
        """Return the key that holds a table's current epoch."""
        return f"{self.prefix}:mirror:epoch:{table}".encode()

    def safe(self, table: str) -> bytes:
        """Return the key that is there while a table may be read."""
        return f"{self.prefix}:mirror:safe:{table}".encode()

    def version(self, table: str) -> bytes:
        """Return the key that holds the end of the last commit that changed a table."""
        return f"{self.prefix}:mirror:version:{table}".encode()

    def rows(self, table: str, epoch: int | None = None) -> bytes:
        """Return what the keys of a table's rows start with, of one epoch or of any."""
        return f"{self.prefix}:{table}:e{'' if epoch is None else f'{epoch}:'}".encode()

    def pattern(self, table: str) -> bytes:
        """Return the SCAN pattern of a table's rows of any epoch."""
        return re.sub(rb"([\\*?\[\]])", rb"\\\1", self.rows(table)) + b"*"
