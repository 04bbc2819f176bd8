"""One form for what people write in many: the value a token is made of.

The rules are versioned (`CANONICAL`): other rules make other tokens, so a new version takes a new pepper.
Errors say what is wrong with a value, never the value.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

__all__ = ["CANONICAL", "KINDS", "Unreadable", "canonical"]

CANONICAL = 1

_DIGITS = re.compile(r"[0-9]+")
_BETWEEN = re.compile(r"[\s\-./()\u2010-\u2015]+")
# What national numbers begin with that is not dialled from abroad, if not 0; in Italy 0 is part of them.
_TRUNK = {"1": "1", "7": "8", "36": "06", "39": "", "378": "", "379": ""}
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")


class Unreadable(ValueError):
    """The value is not of its kind."""


def _plain(value: str, kind: str) -> str:
    """Fold what only looks different (full-width digits, composed letters), refuse what is no text."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Unreadable(f"not a valid {kind}: it holds half of a surrogate pair") from None
    text = unicodedata.normalize("NFKC", value).strip()
    if not text:
        raise Unreadable(f"not a valid {kind}: it is empty")
    if any(unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp") for letter in text):
        raise Unreadable(f"not a valid {kind}: it holds a control character")
    return text


def _email(value: str, _country: str | None) -> str:
    """`local@domain`: case folded, the domain in its ASCII form; what follows a + stays."""
    local, at, domain = _plain(value, "email").rpartition("@")
    if not at or not local or "@" in local or re.search(r"\s", local):
        raise Unreadable("not a valid email: it is not one name, an @ and a domain")
    domain = domain.casefold().replace("\u3002", ".").rstrip(".")
    try:
        labels = [label.encode("idna").decode().lower() for label in domain.split(".")]
    except UnicodeError:
        labels = []
    if len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        raise Unreadable("not a valid email: its domain is none")
    return f"{unicodedata.normalize('NFC', local.casefold())}@{'.'.join(labels)}"


def _phone(value: str, country: str | None) -> str:
    """`+` and 7 to 15 digits; a national number needs the country it is of."""
    text = re.sub(r"^((?:\+|00)(?:39|37[89])\D*)\(0\)", r"\g<1>0", _plain(value, "phone")).replace("(0)", "")
    text = _BETWEEN.sub("", text)
    text = "".join(str(unicodedata.digit(c)) if c.isdigit() and not c.isascii() else c for c in text)
    if text.startswith("00"):
        text = "+" + text[2:]
    if not text.startswith("+"):
        if country is None:
            raise Unreadable("not a valid phone: without a country's number (+49 …) it means many telephones")
        text = f"+{country}{text.removeprefix(_TRUNK.get(country, '0'))}"
    digits = text[1:]
    if not _DIGITS.fullmatch(digits) or not 7 <= len(digits) <= 15 or digits[0] == "0":
        raise Unreadable("not a valid phone: it is not + and 7 to 15 digits")
    return text


def _iban(value: str, _country: str | None) -> str:
    """Capitals without blanks; its check digits must be right."""
    text = re.sub(r"[\s-]", "", _plain(value, "iban")).upper()
    if not _IBAN.fullmatch(text) or int("".join(str(int(c, 36)) for c in text[4:] + text[:4])) % 97 != 1:
        raise Unreadable("not a valid iban: its form or its check digits are wrong")
    return text


def _name(value: str, _country: str | None) -> str:
    """Case folded, one blank between words."""
    return " ".join(unicodedata.normalize("NFC", _plain(value, "name").casefold()).split())


KINDS: dict[str, Callable[[str, str | None], str]] = {
    "email": _email,
    "phone": _phone,
    "iban": _iban,
    "name": _name,
}


def canonical(kind: str, value: str, *, country: str | None = None) -> str:
    """Return the one form of a value; `country` is the calling code of national phone numbers ("49").

    Raises `Unreadable`, `ValueError` for a kind there is not.
    """
    if kind not in KINDS:
        raise ValueError(f"kind {kind!r} does not exist: it is one of {', '.join(KINDS)}")
    if country is not None and not re.fullmatch(r"[1-9][0-9]{0,2}", country):
        raise ValueError("country is the calling code: one to three digits")
    if not isinstance(value, str):
        raise Unreadable(f"not a valid {kind}: it is {type(value).__name__}, not text")
    return KINDS[kind](value, country)
