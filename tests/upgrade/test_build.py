"""sql/build.py: what it assembles, and what it refuses."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from support.cluster import ROOT


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build", ROOT / "sql" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


build = load()


@pytest.fixture
def tree(tmp_path: Path) -> SimpleNamespace:
    """Make a small source tree; .build() assembles it."""
    sql, extension = tmp_path / "sql", tmp_path / "extension"
    for folder in (sql / "schema", sql / "api", sql / "upgrade", sql / "ml", extension):
        folder.mkdir(parents=True)
    (extension / "asymmetrica.control").write_text("default_version = '0.2.0'\n")
    (extension / "asymmetrica_ml.control").write_text("default_version = '0.2.0'\n")
    (sql / "schema" / "000_first.sql").write_text("CREATE SCHEMA s;\n")
    (sql / "schema" / "100_second.sql").write_text("CREATE TABLE s.t ();\n")
    (sql / "api" / "100_api.sql").write_text("CREATE FUNCTION s.f();\n")
    return SimpleNamespace(
        sql=sql, extension=extension, build=lambda **options: build.build(sql, extension, **options)
    )


def test_install_script_is_all_of_schema_then_all_of_api(tree: Any) -> None:
    (path,) = tree.build()
    assert path == tree.extension / "build" / "asymmetrica--0.2.0.sql"
    text = path.read_text()
    assert text.startswith('\\echo Use "CREATE EXTENSION asymmetrica" to load this file. \\quit\n')
    order = [text.index(part) for part in ("CREATE SCHEMA s", "CREATE TABLE s.t", "CREATE FUNCTION s.f")]
    assert order == sorted(order)


def test_upgrade_script_is_its_ddl_then_all_of_api(tree: Any) -> None:
    script = "SELECT 1;\n"
    (tree.extension / "asymmetrica--0.1.0.sql").write_text(script)
    (tree.extension / "released.sha256").write_text(build.digest(script) + "  asymmetrica--0.1.0.sql\n")
    (tree.sql / "schema" / "200_third.sql").write_text("CREATE TABLE s.u ();\n")
    upgrade = "ALTER TABLE s.t ADD a int;\n\n@schema 200_third.sql\n"
    (tree.sql / "upgrade" / "0.1.0--0.2.0.sql").write_text(upgrade)
    text = (tree.build()[-1]).read_text()
    assert "UPDATE TO '0.2.0'" in text.split("\n")[0]
    order = [text.index(part) for part in ("ALTER TABLE s.t", "CREATE TABLE s.u", "CREATE FUNCTION s.f")]
    assert order == sorted(order)
    assert "CREATE TABLE s.t" not in text


def test_release_freezes(tree: Any) -> None:
    (released,) = tree.build(release=True)
    assert released == tree.extension / "asymmetrica--0.2.0.sql"
    assert tree.build() == []
    assert not list((tree.extension / "build").glob("*.sql"))
    (tree.sql / "api" / "100_api.sql").write_text("CREATE FUNCTION s.g();\n")
    with pytest.raises(build.BuildError, match="raise default_version"):
        tree.build()
    (tree.extension / "asymmetrica.control").write_text("default_version = '0.3.0'\n")
    (tree.sql / "upgrade" / "0.2.0--0.3.0.sql").write_text("SELECT 1;\n")
    assert [path.name for path in tree.build()] == ["asymmetrica--0.3.0.sql", "asymmetrica--0.2.0--0.3.0.sql"]
    released.write_text(released.read_text() + "\n")
    with pytest.raises(build.BuildError, match="released script is missing or was changed"):
        tree.build()


def test_an_unlisted_script_beside_the_released_ones_is_refused(tree: Any) -> None:
    (tree.extension / "asymmetrica--0.1.5.sql").write_text("SELECT 1;\n")
    with pytest.raises(build.BuildError, match=r"not in released\.sha256"):
        tree.build()


def test_a_stale_script_is_removed(tree: Any) -> None:
    tree.build()
    (tree.extension / "asymmetrica.control").write_text("default_version = '0.3.0'\n")
    tree.build()
    assert [path.name for path in (tree.extension / "build").iterdir()] == ["asymmetrica--0.3.0.sql"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("schema/nonumber.sql", "not named NNN_topic"),
        ("upgrade/0.1.sql", "not named A--B"),
        ("upgrade/0.1.0--0.1.1.sql", "does not end at the current version"),
    ],
)
def test_names_are_checked(tree: Any, path: str, message: str) -> None:
    (tree.sql / path).write_text("SELECT 1;\n")
    with pytest.raises(build.BuildError, match=message):
        tree.build()


def test_no_sources_is_an_error(tree: Any) -> None:
    shutil.rmtree(tree.sql / "schema")
    with pytest.raises(build.BuildError, match="no SQL files"):
        tree.build()


def with_module(tree: Any, source: str) -> str:
    (tree.sql / "ml" / "100_ml.sql").write_text("$py$\n@python forecast.py(series, horizon)\n$py$;\n")
    (tree.sql / "ml" / "forecast.py").write_text(source)
    return next(path for path in tree.build() if path.name.startswith("asymmetrica_ml")).read_text()


MODULE = '''"""A docstring
over two lines."""


def helper(x):
    return x + 1


def run(plpy, series, horizon):
    return helper(series) * horizon
'''


def test_python_module_runs_once_per_session(tree: Any) -> None:
    text = with_module(tree, MODULE)
    found = re.search(r"\$py\$\n(.*)\n\$py\$", text, re.DOTALL)
    assert found is not None
    # As PL/Python does it: a tab before every line, in a function whose SD outlives the call.
    body = "def call(SD, plpy, series, horizon):\n\t" + found.group(1).replace("\n", "\n\t")
    scope: dict[str, Any] = {}
    exec(body, scope)
    session: dict[str, Any] = {}
    assert scope["call"](session, None, 2, 5) == 15
    first = session["run"]
    assert scope["call"](session, None, 3, 5) == 20
    assert session["run"] is first


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('x = """a\nb"""\ndef run(plpy, series, horizon): pass\n', "string literal over several lines"),
        ('x = f"""a\n{1}"""\ndef run(plpy, series, horizon): pass\n', "string literal over several lines"),
        ("from __future__ import annotations\n", "__future__"),
        ('x = "$py$"\n', "quoting tag"),
    ],
)
def test_python_that_would_change_is_refused(tree: Any, source: str, message: str) -> None:
    with pytest.raises(build.BuildError, match=message):
        with_module(tree, source)
