"""pg_dump's text of a database in a form in which two databases can be compared."""

from __future__ import annotations

import difflib
import re
import subprocess
from collections import Counter

from support.cluster import BIN

# Their columns come in the order in which they were added, grants in the order in which they were made.
TABLES = {"TABLE", "FOREIGN TABLE"}
RIGHTS = {"ACL", "DEFAULT ACL", "COMMENT"}
HEADER = re.compile(r"^-- Name: (.*); Type: (.*); Schema: (.*); Owner:(.*)$", re.MULTILINE)
METHOD = "SET default_table_access_method"
# The server in which a comparison is made, not the schema.
NOISE = ("SET default_", "SET xmloption", "SELECT pg_catalog.set_config(", "\\restrict", "\\unrestrict")


def tidy(line: str) -> str:
    """Return a line without what has no meaning: a comma at its end, the order of options."""
    options = re.fullmatch(r"(.*\bWITH) \((.*)\)(;?)", line)
    if options:
        return f"{options[1]} ({', '.join(sorted(options[2].split(', ')))}){options[3]}"
    return line


def entries(dsn: str, *options: str) -> list[str]:
    """Return the dump's entries, sorted; the order of a table's columns and of grants is left out."""
    command = [str(BIN / "pg_dump"), "--schema-only", "--exclude-schema=asymm", *options, dsn]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found, method = [], ""
    for part in re.split(r"^--\n(?=-- Name: .*; Type: )", text, flags=re.MULTILINE)[1:]:
        header = HEADER.match(part)
        if header is None:
            raise AssertionError(f"not an entry: {part[:200]}")
        if header[1].removeprefix("EXTENSION ") == "asymmetrica":
            continue
        body = part[header.end() :].split("\n--\n-- PostgreSQL database dump complete")[0]
        lines = [tidy(line) for line in body.split("\n") if line not in ("", "--")]
        # It is set before the first table that has it, and holds for those after it.
        if header[2] in TABLES and method not in ("", "heap"):
            lines.append(f"USING {method}")
        for line in lines:
            method = line.partition(" = ")[2].strip(";") if line.startswith(METHOD) else method
        lines = [line for line in lines if not line.startswith(NOISE)]
        if header[2] in TABLES | RIGHTS:
            lines = sorted(line.strip().removesuffix(",") for line in lines)
        found.append("\n".join([header[0], *lines]))
    return sorted(found)


def difference(wanted: list[str], found: list[str], limit: int = 12) -> str:
    """Return the first lines that differ; nothing when there are none."""
    if wanted == found:
        return ""
    missing, extra = Counter(wanted) - Counter(found), Counter(found) - Counter(wanted)
    lines = [
        line
        for line in difflib.unified_diff(
            "\n".join(sorted(missing.elements())).split("\n"),
            "\n".join(sorted(extra.elements())).split("\n"),
            lineterm="",
            n=1,
        )
        if not line.startswith(("---", "+++", "@@"))
    ]
    return "\n".join(lines[:limit])
