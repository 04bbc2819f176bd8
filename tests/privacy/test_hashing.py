"""Hashing in the client: canonical forms and tokens by vectors, peppers that are refused, rotation."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asymmetrica.privacy import (
    CANONICAL,
    KINDS,
    Hasher,
    PepperError,
    Peppers,
    Unreadable,
    canonical,
    is_token,
    new_pepper,
)

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text(encoding="utf-8"))
# Bytes 0 to 31; and others.
FIRST, SECOND = bytes(range(32)), bytes(range(100, 132))


@pytest.mark.parametrize("vector", VECTORS, ids=map(str, range(len(VECTORS))))
def test_vectors(vector: dict[str, str]) -> None:
    kind, value, country = vector["kind"], vector["value"], vector.get("country")
    if "error" in vector:
        with pytest.raises(Unreadable) as refused:
            canonical(kind, value, country=country)
        assert vector["error"] in str(refused.value)
        assert len(value) < 4 or value not in str(refused.value)
        return
    form = canonical(kind, value, country=country)
    assert form == vector["canonical"]
    assert canonical(kind, form, country=country) == form
    token = Hasher(kind, kind=kind, peppers=Peppers(kind, {1: FIRST}), country=country).token(value)
    assert token == vector["token"]


def test_a_token_is_what_the_format_says() -> None:
    assert CANONICAL == 1
    parts = [b"asymmetrica", b"1", b"work_email", b"email", b"a@x.example"]
    message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    wanted = "h3:" + hmac.new(FIRST, message, hashlib.sha256).hexdigest()
    assert (
        Hasher("work_email", kind="email", peppers=Peppers("work_email", {3: FIRST})).token(" A@X.example")
        == wanted
    )
    assert {vector["kind"] for vector in VECTORS} == set(KINDS)


def test_rotation() -> None:
    old = Hasher("email", kind="email", peppers=Peppers("email", {1: FIRST}))
    both = Hasher("email", kind="email", peppers=Peppers("email", {1: FIRST, 2: SECOND}))
    stored = old.token("a@x.example")
    assert both.tokens("A@x.example")[1] == stored
    assert both.token("a@x.example") == both.tokens("a@x.example")[0] != stored
    assert (both.outdated(stored), both.outdated(both.token("a@x.example"))) == (True, False)
    assert both.matches(stored, "a@X.example")
    assert not both.matches(stored, "b@x.example")
    with pytest.raises(PepperError, match="no version 2"):
        old.matches(both.token("a@x.example"), "a@x.example")
    # Another field has other tokens.
    other = Hasher("billing", kind="email", peppers=Peppers("billing", {1: FIRST}))
    assert other.token("a@x.example") != stored


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("00" * 32, "not random"),
        ("ab" * 32, "not random"),
        (bytes(range(31)).hex(), "too short"),
        ("not a pepper!", "neither"),
    ],
)
def test_peppers_that_protect_nothing_are_refused(value: str, why: str) -> None:
    with pytest.raises(PepperError, match=why) as refused:
        Peppers.load("email", {"ASYMMETRICA_PEPPER_EMAIL_1": value})
    assert not value.strip() or value not in str(refused.value)


def test_where_peppers_come_from(tmp_path: Path) -> None:
    with pytest.raises(PepperError, match="no pepper of field email"):
        Peppers.load("email", {"ASYMMETRICA_PEPPER_PHONE_1": new_pepper(), "ASYMMETRICA_PEPPER_EMAIL_": "x"})
    path = tmp_path / "peppers"
    lines = [
        "# peppers",
        "",
        f"email.1 = {FIRST.hex()}",
        f"email.3={SECOND.hex()}",
        f"phone.2 = {FIRST.hex()}",
    ]
    path.write_text("\n".join(lines))
    environ = {"ASYMMETRICA_PEPPER_FILE": str(path), "ASYMMETRICA_PEPPER_EMAIL_2": new_pepper()}
    path.chmod(0o640)
    with pytest.raises(PepperError, match="0640"):
        Peppers.load("email", environ)
    path.chmod(0o600)
    found = Peppers.load("email", environ)
    assert (found.versions(), found.newest, found.key(1)) == ([3, 2, 1], 3, FIRST)
    assert FIRST.hex() not in repr(found) + str(found.__dict__.get("field"))
    with pytest.raises(TypeError, match="not written"):
        pickle.dumps(found)
    # Which of two made the tokens nobody knows.
    with pytest.raises(PepperError, match="two different peppers of field email for version 3"):
        Peppers.load("email", environ | {"ASYMMETRICA_PEPPER_EMAIL_3": FIRST.hex()})
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    link = tmp_path / "link"
    link.symlink_to(path)
    for place in (tmp_path / "none", link, tmp_path, pipe):
        with pytest.raises(PepperError, match="file of peppers"):
            Peppers.load("email", {"ASYMMETRICA_PEPPER_FILE": str(place)})
    path.write_text("email = secret-of-mine")
    with pytest.raises(PepperError, match="line 1") as refused:
        Peppers.load("email", {"ASYMMETRICA_PEPPER_FILE": str(path)})
    assert "secret-of-mine" not in str(refused.value)


def test_plain_hashes_are_refused_with_the_reason() -> None:
    with pytest.raises(ValueError, match="so few values"):
        Hasher("phone", kind="phone", peppers=Peppers("phone", {1: FIRST}), method="sha256")
    with pytest.raises(ValueError, match="peppers of field phone"):
        Hasher("email", kind="email", peppers=Peppers("phone", {1: FIRST}))
    with pytest.raises(ValueError, match="does not exist"):
        Hasher("email", kind="colour", peppers=Peppers("email", {1: FIRST}))
    with pytest.raises(PepperError, match="same pepper"):
        Peppers("email", {1: FIRST, 2: FIRST})


@given(st.sampled_from(sorted(KINDS)), st.text(max_size=40))
def test_whatever_is_read_is_read_again_as_itself(kind: str, value: str) -> None:
    try:
        form = canonical(kind, value, country="49")
    except Unreadable:
        return
    assert canonical(kind, form, country="49") == form
    assert is_token(Hasher(kind, kind=kind, peppers=Peppers(kind, {1: FIRST})).token(form))
