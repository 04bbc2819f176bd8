"""Peppers: secrets of one field each, by version, from the environment or from a file of one's own.

`ASYMMETRICA_PEPPER_EMAIL_1` holds version 1 of field email, as hexadecimal digits or base64 of at least 32
random bytes. `ASYMMETRICA_PEPPER_FILE` names a file of lines `email.1 = …`, which nobody but its owner may
read. The newest version makes new tokens, the others find old ones while values are hashed anew.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

__all__ = ["PepperError", "Peppers", "new_pepper"]

_SHORTEST = 32
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,62}")
_LINE = re.compile(r"([a-z][a-z0-9_]*)\.([1-9][0-9]{0,8})\s*=\s*(.*)")


class PepperError(ValueError):
    """There is no pepper, or one that protects nothing; the text holds no secret."""


def new_pepper() -> str:
    """Return a new pepper, to be kept where the database and its backups are not."""
    return secrets.token_hex(_SHORTEST)


def _decoded(text: str, name: str) -> bytes:
    text = text.strip()
    if not text:
        raise PepperError(f"pepper {name} is empty")
    try:
        if re.fullmatch(r"[0-9a-fA-F]+", text) and len(text) % 2 == 0:
            value = bytes.fromhex(text)
        else:
            value = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise PepperError(f"pepper {name} is neither hexadecimal nor base64") from None
    if len(value) < _SHORTEST:
        raise PepperError(f"pepper {name} is too short: {len(value)} bytes, {_SHORTEST} are needed")
    if len(set(value)) < 12:
        raise PepperError(f"pepper {name} is not random: it has {len(set(value))} different bytes")
    return value


def _read(path: Path) -> str:
    """Return the text of a file that only its owner may read."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise PepperError(f"the file of peppers can't be read: {error.strerror}") from None
    try:
        seen = os.fstat(handle)
        if not stat.S_ISREG(seen.st_mode):
            raise PepperError("the file of peppers is not a regular file")
        if seen.st_mode & 0o077:
            mode = stat.S_IMODE(seen.st_mode)
            raise PepperError(f"others may read the file of peppers: its mode is {mode:04o}, chmod 600 it")
        if seen.st_uid not in (os.geteuid(), 0):
            raise PepperError("the file of peppers belongs to somebody else")
        return os.read(handle, 1 << 20).decode()
    except UnicodeDecodeError:
        raise PepperError("the file of peppers is not text") from None
    finally:
        os.close(handle)


class Peppers:
    """The versions of one field's pepper; `newest` makes new tokens."""

    def __init__(self, field: str, versions: Mapping[int, bytes | str]) -> None:
        if not _FIELD.fullmatch(field):
            raise PepperError("a field is a lower-case name: letters, digits, _")
        if not versions:
            raise PepperError(
                f"there is no pepper of field {field}: set ASYMMETRICA_PEPPER_{field.upper()}_1, "
                "or name a file in ASYMMETRICA_PEPPER_FILE"
            )
        self.field = field
        self._versions = {}
        for version, value in sorted(versions.items(), reverse=True):
            if not 0 < version < 10**9:
                raise PepperError(f"version {version} of field {field} is out of range")
            text = value if isinstance(value, str) else value.hex()
            self._versions[version] = _decoded(text, f"{field}.{version}")
        if len(set(self._versions.values())) < len(self._versions):
            raise PepperError(f"two versions of field {field} are the same pepper")
        self.newest = next(iter(self._versions))

    @classmethod
    def load(cls, field: str, environ: Mapping[str, str] | None = None) -> Peppers:
        """Read the peppers of a field from the environment and the file it names. Raises `PepperError`."""
        environ = os.environ if environ is None else environ
        found: dict[int, bytes | str] = {}
        if path := environ.get("ASYMMETRICA_PEPPER_FILE"):
            for number, line in enumerate(_read(Path(path)).splitlines(), 1):
                if not line.strip() or line.lstrip().startswith("#"):
                    continue
                match = _LINE.fullmatch(line.strip())
                if match is None:
                    raise PepperError(f"line {number} of the file of peppers is not `field.version = pepper`")
                if match[1] == field:
                    cls._add(found, field, int(match[2]), match[3])
        head = f"ASYMMETRICA_PEPPER_{field.upper()}_"
        for name, value in environ.items():
            if name.startswith(head) and re.fullmatch(r"[1-9][0-9]{0,8}", name[len(head) :]):
                cls._add(found, field, int(name[len(head) :]), value)
        return cls(field, found)

    @staticmethod
    def _add(found: dict[int, bytes | str], field: str, version: int, value: str) -> None:
        # Tokens by the one are not found by the other.
        if found.setdefault(version, value) != value:
            raise PepperError(f"there are two different peppers of field {field} for version {version}")

    def versions(self) -> list[int]:
        """Return the versions, the newest first."""
        return list(self._versions)

    def key(self, version: int) -> bytes:
        """Return one pepper. Raises `PepperError` for a version that is not there."""
        try:
            return self._versions[version]
        except KeyError:
            raise PepperError(f"there is no version {version} of field {self.field}") from None

    def __repr__(self) -> str:
        return f"Peppers({self.field!r}, versions {self.versions()})"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("peppers are not written anywhere")
