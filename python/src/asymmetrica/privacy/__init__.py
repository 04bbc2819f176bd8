"""Hashing sensitive fields before they leave the client.

    hasher = Hasher("email", kind="email", peppers=Peppers.load("email"))
    db.execute("INSERT INTO customers (email) VALUES (%s)", [hasher.token(address)])
    db.query("SELECT id FROM customers WHERE email = ANY (%s)", [hasher.tokens(address)])

A token is `h1:` and 64 hexadecimal digits: HMAC-SHA-256 by the pepper of version 1 over the canonical form
of the value. Equal values have equal tokens, so who holds the pepper can tell whether a value is there; a
token is a pseudonym, not anonymous. Without the pepper nothing is found by guessing, as it is in a plain
SHA-256: there are only so many telephone numbers.
"""

from .canonical import CANONICAL, KINDS, Unreadable, canonical
from .hashing import Hasher, is_token, version_of
from .pepper import PepperError, Peppers, new_pepper

__all__ = [
    "CANONICAL",
    "KINDS",
    "Hasher",
    "PepperError",
    "Peppers",
    "Unreadable",
    "canonical",
    "is_token",
    "new_pepper",
    "version_of",
]
