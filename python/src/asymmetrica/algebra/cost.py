"""Complexity classes: ordered, the cheapest first."""

from __future__ import annotations

import re
from enum import StrEnum

from ..errors import InvalidArgument

_NUMBER = r"([0-9]{1,3}(?:\.[0-9]{1,6})?)"
_POWERED_LOG = re.compile(rf"\(logn\)\^{_NUMBER}|log\^{_NUMBER}(?:n|\(n\))")
_CLASS = re.compile(rf"1|(?:(n)(?:\^{_NUMBER})?)?(?:(l){_NUMBER}?)?(h)?")
_EXPONENTIAL = re.compile(rf"{_NUMBER}\^n")
# n^a · (log n)^b of all classes but the last.
_GROWTH = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0), (2.0, 0.0), (3.0, 0.0))


class Cost(StrEnum):
    """A complexity class. Members compare by growth: `Cost.LINEAR < Cost("n log n")`.

    `Cost(text)` reads any usual spelling: "o(N log N)", "n²", "lg n"; it raises `InvalidArgument` for what
    lies between two classes and names them. A text that is compared with a class is read in that way, too.
    """

    CONSTANT = "O(1)"
    LOGARITHMIC = "O(log n)"
    LINEAR = "O(n)"
    LINEARITHMIC = "O(n log n)"
    QUADRATIC = "O(n^2)"
    CUBIC = "O(n^3)"
    EXPONENTIAL = "O(2^n)"

    @property
    def rank(self) -> int:
        """The place in the order, 0 for O(1)."""
        return _RANK[self.value]

    @classmethod
    def _missing_(cls, value: object) -> Cost:
        if not isinstance(value, str):
            raise InvalidArgument(
                "a cost is a text", detail=f"Seen: {value!r}.", hint='Write it as in Cost("O(n log n)").'
            )
        return _read(value)

    def __lt__(self, other: str) -> bool:
        return self.rank < Cost(other).rank

    def __le__(self, other: str) -> bool:
        return self.rank <= Cost(other).rank

    def __gt__(self, other: str) -> bool:
        return self.rank > Cost(other).rank

    def __ge__(self, other: str) -> bool:
        return self.rank >= Cost(other).rank


_ALL = tuple(Cost)
_RANK = {cost.value: rank for rank, cost in enumerate(_ALL)}


def _bare(text: str) -> str:
    """Return a spelling without O( ), blanks and signs of multiplication; l for log n, h for log log n."""
    text = text.lower().replace("**", "^").replace("²", "^2").replace("³", "^3")
    text = re.sub("[ \t\r\n*·\u00d7]+", "", text)
    text = re.sub(r"\Ao\((.*)\)\Z", r"\1", text, flags=re.DOTALL)
    text = re.sub(r"sqrt\(n\)|√n|√\(n\)", "n^0.5", text, count=1)
    text = re.sub(r"log2|log_2|ln|lg", "log", text)
    text = re.sub(r"loglogn|log\(logn\)|loglog\(n\)|log\(log\(n\)\)", "h", text, count=1)
    text = _POWERED_LOG.sub(lambda found: f"l{found[1] or ''}{found[2] or ''}", text, count=1)
    return re.sub(r"logn|log\(n\)", "l", text, count=1)


def _read(value: str) -> Cost:
    text, below = _bare(value), 0
    if text in ("n!", "n^n"):
        below = 7
    elif found := _EXPONENTIAL.fullmatch(text):
        base = float(found[1])
        if base in (1, 2):
            return Cost.CONSTANT if base == 1 else Cost.EXPONENTIAL
        below = 7 if base > 2 else 6 if base > 1 else 0
    elif text and (found := _CLASS.fullmatch(text)):
        power = 0.0 if found[1] is None else float(found[2] or 1)
        log = (0.0 if found[3] is None else float(found[4] or 1)) + (0.0 if found[5] is None else 0.5)
        for place, growth in enumerate(_GROWTH, 1):
            if growth == (power, log):
                return _ALL[place - 1]
            if growth < (power, log):
                below = place
    if below == 0:
        detail, hint = f"Classes are {', '.join(_ALL)}.", 'Write it as in Cost("O(n log n)").'
    elif below == 7:
        detail, hint = "It grows faster than O(2^n), the last class.", "Use O(2^n)."
    else:
        lower, upper = _ALL[below - 1], _ALL[below]
        detail = f"It lies between {lower} and {upper}."
        hint = f"Use {upper}, which promises no more than it keeps, or {lower}."
    raise InvalidArgument(f'cost "{value}" is none of the classes', detail=detail, hint=hint)
