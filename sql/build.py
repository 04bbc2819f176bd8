#!/usr/bin/env python3
"""Assemble the extension's scripts.

install script of the current version   all of schema/ + all of api/, each sorted by bytes
upgrade script A -> current version     upgrade/A--B.sql + all of api/

The result lands in extension/build/ and is never committed. `--release` freezes it: the scripts move to
extension/ and their hashes to extension/released.sha256; from then on a build that finds one changed refuses.
The version has one home, `default_version` in the control file.

A line `@schema NNN_topic.sql` in an upgrade script stands for that file: a domain A did not have.

The optional extension asymmetrica_ml is made of ml/NNN_*.sql. A line `@python module.py(a, b)` in such a file
is replaced by the source of ml/module.py, run once per session, and a call of its `run(plpy, a, b)`.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import io
import re
import sys
import tokenize
from pathlib import Path

SQL = Path(__file__).resolve().parent
EXTENSION = SQL.parent / "extension"
SCHEMA_LINE = re.compile(r"^@schema (\d{3}_\w+\.sql)$", re.MULTILINE)
PYTHON_LINE = re.compile(r"^@python (\w+\.py)\(([\w, ]*)\)$", re.MULTILINE)
UPGRADE_NAME = re.compile(r"^(\d+\.\d+\.\d+)--(\d+\.\d+\.\d+)\.sql$")


class BuildError(Exception):
    """The sources can't be assembled; the message says why."""


def version(name: str, extension: Path = EXTENSION) -> str:
    """Return default_version of a control file."""
    control = (extension / f"{name}.control").read_text(encoding="utf-8")
    found = re.search(r"^default_version\s*=\s*'(\d+\.\d+\.\d+)'", control, re.MULTILINE)
    if found is None:
        raise BuildError(f"{name}.control has no default_version")
    return found.group(1)


def parts(folder: Path) -> list[Path]:
    """Return the NNN_topic.sql files of a folder in byte order; any other name is an error."""
    found = sorted(folder.glob("*.sql"), key=lambda path: path.name.encode())
    for path in found:
        if not re.fullmatch(r"\d{3}_\w+\.sql", path.name):
            raise BuildError(f"{path}: not named NNN_topic.sql")
    return found


def check_literals(source: str, name: str) -> None:
    """Refuse string literals over several lines: PL/Python's tab would change them. Docstrings may."""
    docstrings = set()
    for node in ast.walk(ast.parse(source, name)):
        if (
            isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
            and ast.get_docstring(node) is not None
        ):
            docstrings.add(node.body[0].lineno)
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            raise BuildError(f"{name}:{node.lineno}: a function body can't import from __future__")
    opened = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        kind = tokenize.tok_name[token.type]
        if kind == "FSTRING_START":
            opened = token.start[0]
        first = opened if kind == "FSTRING_END" else token.start[0]
        if kind in ("STRING", "FSTRING_END") and first != token.end[0] and first not in docstrings:
            raise BuildError(f"{name}:{first}: string literal over several lines")


def splice(match: re.Match[str], folder: Path) -> str:
    """Return a PL/Python body: the module under a guard, then the call of its run()."""
    module, arguments = match.groups()
    source = (folder / module).read_text(encoding="utf-8")
    check_literals(source, str(folder / module))
    if "$py$" in source:
        raise BuildError(f"{folder / module}: contains the quoting tag $py$")
    body = "\n".join(f"    {line}".rstrip() for line in source.rstrip().split("\n"))
    call = ", ".join(["plpy", *(name.strip() for name in arguments.split(",") if name.strip())])
    return f'if "run" not in SD:\n{body}\n    SD["run"] = run\nreturn SD["run"]({call})'


def render(path: Path) -> str:
    """Return one source file as it stands in a script, under a line that names it."""
    text = path.read_text(encoding="utf-8").strip()
    text = PYTHON_LINE.sub(lambda match: splice(match, path.parent), text)
    schema = path.parent.parent / "schema"
    text = SCHEMA_LINE.sub(lambda match: (schema / match[1]).read_text(encoding="utf-8").strip(), text)
    return f"-- {path.parent.name}/{path.name}\n{text}\n"


def script(command: str, files: list[Path]) -> str:
    guard = f'\\echo Use "{command}" to load this file. \\quit\n'
    return "\n".join([guard, *(render(path) for path in files)])


def scripts(sql: Path, extension: Path) -> dict[str, str]:
    """Return file name -> text of every script that ends at the current version."""
    name, built = "asymmetrica", {}
    current = version(name, extension)
    schema, api = parts(sql / "schema"), parts(sql / "api")
    if not schema:
        raise BuildError(f"{sql / 'schema'}: no SQL files")
    built[f"{name}--{current}.sql"] = script(f"CREATE EXTENSION {name}", schema + api)
    for path in sorted((sql / "upgrade").glob("*.sql")):
        ends = UPGRADE_NAME.match(path.name)
        if ends is None:
            raise BuildError(f"{path}: not named A--B.sql")
        if ends.group(2) == current:
            command = f"ALTER EXTENSION {name} UPDATE TO '{current}'"
            built[f"{name}--{path.name}"] = script(command, [path, *api])
        elif not (extension / f"{name}--{path.name}").exists():
            raise BuildError(f"{path}: does not end at the current version {current} and was never released")
    ml = parts(sql / "ml") if (sql / "ml").is_dir() else []
    if ml:
        ml_version = version("asymmetrica_ml", extension)
        built[f"asymmetrica_ml--{ml_version}.sql"] = script("CREATE EXTENSION asymmetrica_ml", ml)
    return built


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def released(extension: Path) -> dict[str, str]:
    """Return file name -> hash of the frozen scripts, after checking that each is as it was released."""
    listing = extension / "released.sha256"
    lines = listing.read_text(encoding="utf-8").splitlines() if listing.exists() else []
    frozen = {name: value for value, name in (line.split() for line in lines)}
    for name, value in frozen.items():
        path = extension / name
        if not path.exists() or digest(path.read_text(encoding="utf-8")) != value:
            raise BuildError(f"{path}: a released script is missing or was changed; restore it")
    unlisted = {path.name for path in extension.glob("*--*.sql")} - set(frozen)
    if unlisted:
        raise BuildError(f"{extension}: not in released.sha256: {', '.join(sorted(unlisted))}")
    return frozen


def build(sql: Path = SQL, extension: Path = EXTENSION, release: bool = False) -> list[Path]:
    """Write the scripts and return their paths."""
    frozen, built, written = released(extension), scripts(sql, extension), []
    for name, text in built.items():
        if name in frozen and frozen[name] != digest(text):
            raise BuildError(f"{name} is released, but the sources changed: raise default_version")
    target = extension if release else extension / "build"
    target.mkdir(exist_ok=True)
    for old in (extension / "build").glob("*.sql"):
        if old.name not in built or release or old.name in frozen:
            old.unlink()
    for name, text in built.items():
        path = target / name
        if name in frozen:
            continue
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
        written.append(path)
    if release:
        frozen |= {path.name: digest(built[path.name]) for path in written}
        lines = [f"{value}  {name}\n" for name, value in sorted(frozen.items())]
        (extension / "released.sha256").write_text("".join(lines), encoding="utf-8")
    return written


def main() -> int:
    parser = argparse.ArgumentParser(description="assemble the extension's scripts")
    parser.add_argument("--release", action="store_true", help="freeze the scripts of the current version")
    arguments = parser.parse_args()
    try:
        for path in build(release=arguments.release):
            print(path.relative_to(SQL.parent))
    except BuildError as error:
        print(f"build.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
