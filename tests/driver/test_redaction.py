"""No password reaches a message, whatever the connection string looks like."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asymmetrica import ConnectionFailed, connect, redact, show_dsn
from asymmetrica._redact import MASK, UNREADABLE, secrets_of
from asymmetrica.cli import main

# A secret with enough letters that it can't be part of the rest of a message by chance.
SECRETS = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1).map(
    lambda text: f"Xq{text}7Zk"
)
# What may stand unquoted in a key=value string, or unencoded between : and @ by mistake.
BLUNT = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="\\'&"), min_size=1
).map(lambda text: f"Xq{text}7Zk")


def quoted(secret: str) -> str:
    return "'" + secret.replace("\\", "\\\\").replace("'", "\\'") + "'"


def leaks(secret: str, text: str) -> bool:
    return secret in text or quote(secret, safe="") in text or quoted(secret)[1:-1] in text


@given(SECRETS)
def test_url(secret: str) -> None:
    url = f"postgresql://bob:{quote(secret, safe='')}@db.example/shop?sslmode=require"
    assert secrets_of(url) == (secret,)
    assert not leaks(secret, redact(f"failed for {url}: no"))
    assert not leaks(secret, redact(f"FATAL: {secret!s} is wrong", secrets_of(url)))
    assert not leaks(secret, show_dsn(url))
    assert "db.example" in show_dsn(url)


@given(SECRETS)
def test_url_query(secret: str) -> None:
    url = f"postgresql://db.example/shop?user=bob&password={quote(secret, safe='')}&sslpassword=Hid7enOne"
    assert set(secrets_of(url)) == {secret, "Hid7enOne"}
    assert not leaks(secret, redact(url))
    assert "Hid7enOne" not in redact(url)
    assert not leaks(secret, show_dsn(url))


@given(SECRETS, st.sampled_from(["password=", "password = ", "PASSWORD=", "sslpassword="]))
def test_key_value(secret: str, key: str) -> None:
    dsn = f"host=db.example {key}{quoted(secret)} dbname='my shop'"
    assert not leaks(secret, redact(f"could not use {dsn}"))
    if key.islower():
        assert not leaks(secret, show_dsn(dsn))
        assert "my shop" in show_dsn(dsn)


@given(BLUNT)
def test_unencoded_by_mistake(secret: str) -> None:
    for dsn in (f"postgresql://bob:{secret}@db.example/shop", f"host=db.example password={secret} dbname=x"):
        assert secret not in redact(f"error in {dsn} somewhere")
        assert "7Zk" not in show_dsn(dsn)


@given(BLUNT)
def test_errors_of_connect(secret: str) -> None:
    for dsn in (
        f"postgresql://bob:{secret}@127.0.0.1:1/shop",
        f"postgresql://bob:{quote(secret, safe='')}@127.0.0.1:1/shop",
        f"postgresql://bob:%zz{secret}@127.0.0.1:1/shop",
        f"host=127.0.0.1 port=1 password={quoted(secret)}",
        f"host=127.0.0.1 port=1 {secret}",
        f"host=127.0.0.1 port=1 password='{secret}",
    ):
        with pytest.raises(ConnectionFailed) as raised:
            connect(dsn, connect_timeout=2)
        # Not even one end of it: libpq cuts a URL at the first @ or / it finds.
        assert "7Zk" not in str(raised.value)
        assert "7Zk" not in repr(raised.value)
        assert raised.value.__cause__ is None


@given(SECRETS)
def test_option(secret: str) -> None:
    with pytest.raises(ConnectionFailed) as raised:
        connect("host=127.0.0.1 port=1", password=secret)
    assert not leaks(secret, str(raised.value))


@pytest.mark.parametrize("dsn", ["postgresql://bob:Xq%zz7Zk@h/d", "host=127.0.0.1 port=1 password=Xqzz7Zk"])
@pytest.mark.parametrize("json", [[], ["--json"]])
def test_command_line(dsn: str, json: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["drift", "--dsn", dsn, *json]) == 3
    seen = capsys.readouterr()
    assert "7Zk" not in seen.out + seen.err
    assert seen.err


def test_several_in_one_text() -> None:
    text = "a redis://default:Hid7enOne@r/0 and b postgres://x:Hid7enTwo@p/d, password=Hid7enTri; user=bob"
    assert (
        redact(text)
        == f"a redis://default:{MASK}@r/0 and b postgres://x:{MASK}@p/d, password={MASK} user=bob"
    )


def test_nothing_to_hide() -> None:
    text = 'relation "orders" does not exist at http://docs.example:80/page'
    assert redact(text) == text
    assert show_dsn("postgresql://[oops") == UNREADABLE
