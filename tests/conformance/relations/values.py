"""Values as the evaluator has them, and where they are found.

Numbers are `Decimal`, compared and added as fractions; days and points in time are those of dates.py. What a row does not have is
missing.
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

MISSING = object()
INFINITY = Fraction(10) ** 200_000
DATES = ("$date", "$now", "$today", "$period")


@dataclass(frozen=True)
class Relation:
    """What the evaluator knows of a relation: its time, and whether its order tells rows of one time from each other."""

    time: str | None
    has_key: bool


@dataclass(frozen=True)
class Scope:
    """Where a condition stands: the types of the names there, and at the top the relations."""

    types: dict[str, str]
    relations: dict[str, Relation] | None = None
    # Of the relation whose rows are asked
    order: Relation | None = None

    def type_of(self, path: str) -> str | None:
        return self.types.get(path)


UNTYPED = Scope({})


def is_number(value) -> bool:
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool) and not (isinstance(value, Decimal) and value.is_nan())


def number(value) -> Fraction:
    if isinstance(value, Decimal) and value.is_infinite():
        return INFINITY if value > 0 else -INFINITY
    return Fraction(value)


def ordered(operator: str, left, right) -> bool:
    return {"$eq": left == right, "$gt": left > right, "$gte": left >= right, "$lt": left < right, "$lte": left <= right}[operator]


def key_of(value) -> tuple:
    """Equal for values that `$eq` takes for equal."""
    if isinstance(value, bool) or value is None:
        return ("constant", value)
    if is_number(value):
        return ("number", number(value))
    if isinstance(value, list):
        return ("array", tuple(map(key_of, value)))
    if isinstance(value, dict):
        return ("object", frozenset((key, key_of(item)) for key, item in value.items()))
    return (type(value).__name__, value)


def is_operators(value) -> bool:
    return isinstance(value, dict) and any(key.startswith("$") for key in value) and not any(key in DATES for key in value)


def predicate_of(value) -> dict:
    return value if is_operators(value) else {"$eq": value}


def descend(value, keys: list[str]):
    for key in keys:
        value = value.get(key, MISSING) if isinstance(value, dict) else MISSING
    return value


def walk(value, keys: list[str]) -> list:
    """All that a path yields, arrays fanned out."""
    if not keys:
        return [value]
    if isinstance(value, dict):
        return walk(value[keys[0]], keys[1:]) if keys[0] in value else [MISSING]
    if isinstance(value, list):
        return [found for element in value if isinstance(element, dict) for found in walk(element, keys)]
    return [MISSING]


def inherited(predicate: dict) -> dict:
    """The `$filter` and the `$by` beside a test."""
    return {key: predicate[key] for key in ("$filter", "$by") if key in predicate}


def inside(types: dict[str, str], path: str) -> dict[str, str]:
    """The types of the names behind a path."""
    return {name[len(path) + 1 :]: kind for name, kind in types.items() if name.startswith(path + ".")}
