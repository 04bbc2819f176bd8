"""From the text Postgres prints to JSON: the same bytes as row_to_json() in a session with TimeZone UTC.

Done here and not in the server, because row_to_json() runs casts to json that the owner of a type may have
written, with the rights of whoever asks. Such types are mirrored as their text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from json import encoder

__all__ = [
    "Converter",
    "array",
    "boolean",
    "composite",
    "number",
    "string",
    "timestamp",
    "timestamptz",
]

# Text of one value that is not NULL to a fragment of JSON; None stands for "as it is".
Converter = Callable[[str], str] | None

# The C version where there is one; the escapes are the ones of Postgres.
string: Callable[[str], str] = getattr(encoder, "c_encode_basestring", None) or encoder.encode_basestring

_ZONE = re.compile(r"[+-]\d\d$")


def plain(text: str) -> str:
    """Json and jsonb: the text is JSON."""
    return text


def boolean(text: str) -> str:
    return "true" if text == "t" else "false"


def number(text: str) -> str:
    """A number as Postgres prints it; NaN and the infinities as strings."""
    return text if text[-1] not in "Ny" else string(text)


def timestamp(text: str) -> str:
    """ISO 8601, with T between date and time; infinity as it is."""
    return f'"{text.replace(" ", "T", 1)}"' if text[-1] != "y" else f'"{text}"'


def timestamptz(text: str) -> str:
    """The same with the zone in hours and minutes."""
    if text[-1] == "y":
        return f'"{text}"'
    text, era = (text[:-3], " BC") if text.endswith(" BC") else (text, "")
    if _ZONE.search(text):
        text += ":00"
    return f'"{text.replace(" ", "T", 1)}{era}"'


def array(element: Converter, delimiter: str = ",") -> Callable[[str], str]:
    """Return the converter of an array of such elements: nested lists, without the bounds."""
    convert = element or plain
    odd = re.compile(r'["\\{=]')
    # Of a list of plain elements: the quoted one, or the other.
    each = re.compile(rf'"([^"]*)"|([^"{{}}{re.escape(delimiter)}]+)').findall
    word = re.compile(rf'[^"{{}}\\{re.escape(delimiter)}]+')

    def run(text: str) -> str:
        if not odd.search(text, 1):
            words = text[1:-1].split(delimiter) if len(text) > 2 else []
            return f"[{','.join(['null' if word == 'NULL' else convert(word) for word in words])}]"
        if text[0] == "{" and "\\" not in text and "{" not in text[1:]:
            out = [convert(word or quoted) if word != "NULL" else "null" for quoted, word in each(text)]
            return f"[{','.join(out)}]"
        at = text.index("{") if text[0] == "{" else text.index("={") + 1
        out = []
        end = len(text)
        while at < end:
            char = text[at]
            if char == "{":
                out.append("[")
                at += 1
            elif char == "}":
                out.append("]")
                at += 1
            elif char == delimiter:
                out.append(",")
                at += 1
            else:
                value, at, quoted = _element(text, at, word)
                out.append("null" if not quoted and value == "NULL" else convert(value))
        return "".join(out)

    return run


def _element(text: str, at: int, word: re.Pattern[str]) -> tuple[str, int, bool]:
    if text[at] != '"':
        found = word.match(text, at)
        assert found is not None
        # A backslash outside quotes does not happen: the server quotes such elements.
        return found.group(), found.end(), False
    at += 1
    parts: list[str] = []
    while text[at] != '"':
        if text[at] == "\\":
            parts.append(text[at + 1])
            at += 2
            continue
        found = _INSIDE.match(text, at)
        assert found is not None
        parts.append(found.group())
        at = found.end()
    return "".join(parts), at + 1, True


_INSIDE = re.compile(r'[^"\\]+')


def composite(fields: Sequence[tuple[str, Converter]]) -> Callable[[str], str]:
    """Return the converter of a row type: an object of its fields."""
    named = [(string(name) + ":", convert or plain) for name, convert in fields]

    def run(text: str) -> str:
        out = [
            head + ("null" if value is None else convert(value))
            for (head, convert), value in zip(named, _fields(text), strict=True)
        ]
        return "{" + ",".join(out) + "}"

    # A type without columns prints (), which is also one NULL.
    return run if named else lambda _: "{}"


def _fields(text: str) -> list[str | None]:
    """Take the text of a row apart; nothing between two commas is NULL."""
    values: list[str | None] = []
    parts: list[str] = []
    empty, quoted, at = True, False, 1
    while True:
        char = text[at]
        at += 1
        if quoted:
            if (char == '"' and text[at] == '"') or char == "\\":
                parts.append(text[at])
                at += 1
            elif char == '"':
                quoted = False
            else:
                parts.append(char)
        elif char == '"':
            quoted, empty = True, False
        elif char in ",)":
            values.append(None if empty else "".join(parts))
            parts, empty = [], True
            if char == ")":
                return values
        else:
            empty = False
            if char == "\\":
                char = text[at]
                at += 1
            parts.append(char)
