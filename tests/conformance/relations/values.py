"""Values as the evaluator has them, and where they are found.

Numbers are `Decimal`, compared and added as fractions; days and points in time are those of dates.py. What a row does not have is
missing.
"""

import operator as operators
import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache, lru_cache

MISSING = object()
INFINITY = Fraction(10) ** 200_000
ORDERED = {"$eq": operators.eq, "$gt": operators.gt, "$gte": operators.ge, "$lt": operators.lt, "$lte": operators.le}
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


@lru_cache(100_000)
def number(value) -> Fraction:
    if isinstance(value, Decimal) and value.is_infinite():
        return INFINITY if value > 0 else -INFINITY
    return Fraction(value)


def ordered(operator: str, left, right) -> bool:
    return ORDERED[operator](left, right)


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


@cache
def keys_of(path: str) -> tuple[str, ...]:
    """The keys of a path, in which a backslash takes a dot or a dollar as it is."""
    keys, is_escaped = [""], False
    for letter in path:
        if is_escaped or letter not in "\\.":
            keys[-1] += letter
            is_escaped = False
        elif letter == ".":
            keys.append("")
        else:
            is_escaped = True
    return tuple(keys)


def written(key: str) -> str:
    """A key as paths write it."""
    return re.sub(r"[\\.]|^\$", lambda found: "\\" + found[0], key)


def descend(value, keys: tuple[str, ...]):
    for key in keys:
        value = value.get(key, MISSING) if isinstance(value, dict) else MISSING
    return value


def walk(value, keys: tuple[str, ...]) -> list:
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


def narrowed(predicate: dict, outer: dict) -> dict:
    """What is inside a `$not`: its own filter narrows the one beside it."""
    both = [part["$filter"] for part in (outer, predicate) if "$filter" in part]
    return inherited(outer) | predicate | ({"$filter": {"$and": both}} if both else {})


def as_object(element):
    """An element as conditions on elements see it: an array has its indexes as keys, and other values have none."""
    if isinstance(element, list):
        return {str(index): item for index, item in enumerate(element)}
    return element if isinstance(element, dict) else None


def inside(types: dict[str, str], path: str) -> dict[str, str]:
    """The types of the names behind a path."""
    return {name[len(path) + 1 :]: kind for name, kind in types.items() if name.startswith(path + ".")}
