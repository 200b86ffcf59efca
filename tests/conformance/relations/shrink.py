"""Makes a contact and a condition smaller for as long as they show a difference."""

from collections.abc import Callable, Iterator

from data import Data
from values import MISSING

# How often the server is asked
MOST = 200


def shrink(data: Data, asked: tuple[dict, str], disputed: Callable) -> tuple[Data, tuple[dict, str]]:
    left = [MOST]

    def still(data: Data, asked: tuple[dict, str]) -> bool:
        left[0] -= 1
        return left[0] >= 0 and bool(disputed(data, asked))

    is_smaller = True
    while is_smaller and left[0] > 0:
        is_smaller = False
        for candidate in smaller_data(data):
            if still(candidate, asked):
                data, is_smaller = candidate, True
                break
        for condition in smaller(asked[0]):
            if isinstance(condition, dict) and still(data, (condition, asked[1])):
                asked, is_smaller = (condition, asked[1]), True
                break
    if asked[1] != "UTC" and still(data, (asked[0], "UTC")):
        asked = (asked[0], "UTC")
    return data, asked


def smaller_data(data: Data) -> Iterator[Data]:
    """With fewer rows, then with fewer values in them."""
    for name, rows in data.rows.items():
        for half in (rows[: len(rows) // 2], rows[len(rows) // 2 :]):
            if rows and len(half) < len(rows):
                yield Data(data.id_type, data.people, data.rows | {name: half})
        for index in range(len(rows)) if len(rows) < 8 else ():
            yield Data(data.id_type, data.people, data.rows | {name: rows[:index] + rows[index + 1 :]})
    for name, rows in data.rows.items():
        for index, row in enumerate(rows) if len(rows) < 4 else ():
            for column, value in row.items():
                if value is not MISSING and column not in ("number", "person", "visitor", "page", "nth", "ticket", "deleted"):
                    yield Data(data.id_type, data.people, data.rows | {name: rows[:index] + [row | {column: MISSING}] + rows[index + 1 :]})


def smaller(value) -> Iterator:
    """The value with one part of it left out, or put in the place of what holds it."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield value[:index] + value[index + 1 :]
            for part in smaller(item):
                yield [*value[:index], part, *value[index + 1 :]]
    elif isinstance(value, dict):
        for key, item in value.items():
            yield {other: kept for other, kept in value.items() if other != key}
            if isinstance(item, dict):
                yield item
            elif isinstance(item, list):
                yield from (part for part in item if isinstance(part, dict))
            for part in smaller(item):
                yield value | {key: part}
