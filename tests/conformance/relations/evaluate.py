"""What conditions mean, as slowly and plainly as can be, from the documentation alone.

A contact is a dictionary with a list of rows for each relation, in the relation's order. A row is a dictionary too. Numbers are
`Decimal`, compared and added as fractions; days and points in time are those of dates.py. What a row does not have is missing.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import dates

MISSING = object()
INFINITY = Fraction(10) ** 200_000
COMPARISONS = ("$eq", "$gt", "$gte", "$lt", "$lte")
ELEMENTS = ("$some", "$none", "$every", "$count", "$sum", "$avg", "$min", "$max", "$distinct", "$first", "$last", "$sequence")
DATES = ("$date", "$now", "$today", "$period")
PARTS = {
    "$year": lambda day: day.year,
    "$month": lambda day: day.month,
    "$dayOfMonth": lambda day: day.day,
    "$isoDayOfWeek": lambda day: day.isoweekday(),
}


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


class Evaluator:
    def __init__(self, zone: str, now: datetime, segments: dict[str, "tuple[dict, str]"] | None = None):
        self.zone, self.now, self.segments = ZoneInfo(zone), now, segments or {}

    def condition(self, condition: dict, document: dict, scope: Scope) -> bool:
        return all(self.member(name, operand, document, scope) for name, operand in condition.items())

    def member(self, name: str, operand, document: dict, scope: Scope) -> bool:
        if name in ("$and", "$or", "$nor"):
            answers = [self.condition(part, document, scope) for part in operand]
            return all(answers) if name == "$and" else any(answers) == (name == "$or")
        if name == "$not":
            return not self.condition(operand, document, scope)
        if name == "$expr":
            return self.compared(operand, document, scope)
        if name == "$segment":
            condition, zone = self.segments[operand]
            return Evaluator(zone, self.now, self.segments).condition(condition, document, scope)
        first, *rest = name.split(".")
        if scope.relations and first in scope.relations:
            rows = document[first]
            inner = Scope(inside(scope.types, first), order=scope.relations[first])
            if not rest:
                return self.elements(predicate_of(operand), rows, inner)
            return self.field(predicate_of(operand), ".".join(rest), rows, inner)
        return self.field(predicate_of(operand), name, [document], scope)

    # A field, of one document or of each row of a relation

    def field(self, predicate: dict, path: str, documents: list[dict], scope: Scope) -> bool:
        return all(self.field_test(operator, operand, predicate, path, documents, scope) for operator, operand in predicate.items())

    def field_test(self, operator: str, operand, predicate: dict, path: str, documents: list[dict], scope: Scope) -> bool:
        if operator in ("$filter", "$by"):
            return True
        if operator == "$not":
            return not self.field(operand | inherited(predicate), path, documents, scope)
        if operator in ("$ne", "$nin"):
            positive = "$eq" if operator == "$ne" else "$in"
            return not self.field_test(positive, operand, predicate, path, documents, scope)
        kind, keys = scope.type_of(path), path.split(".")
        if operator in ELEMENTS or "$filter" in predicate and operator == "$elemMatch":
            found = [value for document in documents for value in walk(document, keys)]
            arrays = [value for value in found if isinstance(value, list)]
            test = {operator: operand} | inherited(predicate)
            below = Scope(inside(scope.types, path))
            if operator == "$none":
                return not any(self.elements(inherited(predicate) | {"$some": operand}, array, below) for array in arrays)
            return any(self.elements(test, array, below) for array in arrays or [[]])
        if kind in (None, "json") or kind.endswith("[]"):
            found = [value for document in documents for value in walk(document, keys)]
        else:
            found = [descend(document, keys) for document in documents]
        if operator == "$exists":
            return any(value is not MISSING for value in found) == bool(operand)
        return any(self.value_test(operator, operand, predicate, value, kind) for value in found)

    def value_test(self, operator: str, operand, predicate: dict, value, kind: str | None) -> bool:
        if operator == "$in":
            return any(self.value_test("$eq", entry, predicate, value, kind) for entry in operand)
        if operator == "$eq" and operand is None:
            is_opened = isinstance(value, list) and (kind in (None, "json") or kind.endswith("[]"))
            return value is MISSING or value is None or is_opened and None in value
        if operator == "$empty":
            return any(value is empty or type(value) is type(empty) and value == empty for empty in (MISSING, None, "", [], {})) == operand
        if value is MISSING:
            return False
        if operator == "$options":
            return True
        if kind not in (None, "json") and not kind.endswith("[]"):
            return self.scalar_test(operator, operand, predicate, value, kind)
        element = None if kind in (None, "json") else kind[:-2]
        if operator == "$size":
            return isinstance(value, list) and len(value) == operand
        if operator == "$all":
            return bool(operand) and all(self.value_test("$eq", entry, predicate, value, kind) for entry in operand)
        if operator == "$elemMatch":
            if not isinstance(value, list):
                return False
            if is_operators(operand) and not any(key in ("$and", "$or", "$nor") for key in operand):
                return any(all(self.element_test(o, x, operand, item, element) for o, x in operand.items()) for item in value)
            return any(isinstance(item, dict) and self.condition(operand, item, UNTYPED) for item in value)
        if isinstance(value, list):
            is_whole = operator == "$eq" and isinstance(operand, list) and key_of(operand) == key_of(value)
            return is_whole or any(self.scalar_test(operator, operand, predicate, item, element) for item in value)
        return self.scalar_test(operator, operand, predicate, value, element)

    def element_test(self, operator: str, operand, predicate: dict, value, kind: str | None) -> bool:
        """A predicate on an element itself, which is not opened again."""
        if operator in ("$ne", "$nin", "$not"):
            if operator == "$not":
                return not all(self.element_test(o, x, operand, value, kind) for o, x in operand.items())
            return not self.element_test("$eq" if operator == "$ne" else "$in", operand, predicate, value, kind)
        if operator == "$in":
            return any(self.element_test("$eq", entry, predicate, value, kind) for entry in operand)
        if operator == "$eq" and operand is None:
            return value is None
        return self.scalar_test(operator, operand, predicate, value, kind)

    def scalar_test(self, operator: str, operand, predicate: dict, value, kind: str | None) -> bool:
        if operator in COMPARISONS and isinstance(operand, (list, dict)) and not (isinstance(operand, dict) and set(operand) & set(DATES)):
            return operator == "$eq" and kind is None and key_of(operand) == key_of(value)
        if operator in COMPARISONS:
            return self.comparison(operator, value, operand, kind)
        if operator in PARTS:
            moment = self.moment(value, kind)
            if moment is None:
                return False
            part = PARTS[operator](dates.day_of(moment, self.zone_of(kind)))
            asked = predicate_of(operand)
            return all(self.holds_of(o, x, part) for o, x in asked.items())
        if operator == "$mod":
            if not is_number(value) or abs(number(value)) == INFINITY:
                return False
            whole = int(number(value))
            return (abs(whole) % abs(operand[0])) * (1 if whole >= 0 else -1) == operand[1]
        if not isinstance(value, str) or kind not in (None, "string"):
            return False
        fold = str.lower if predicate.get("$options") == "i" else str
        value, operand = fold(value), operand
        if operator == "$contains":
            return fold(operand) in value
        if operator == "$startsWith":
            return value.startswith(fold(operand))
        if operator == "$endsWith":
            return value.endswith(fold(operand))
        if operator == "$regex":
            return re.search(fold(operand), value) is not None
        raise ValueError(operator)

    def holds_of(self, operator: str, operand, value) -> bool:
        """A test of what was computed; None if that is missing."""
        if operator == "$not":
            return not all(self.holds_of(o, x, value) for o, x in operand.items())
        if operator in ("$ne", "$nin"):
            return not self.holds_of("$eq" if operator == "$ne" else "$in", operand, value)
        if operator == "$in":
            return any(self.holds_of("$eq", entry, value) for entry in operand)
        if operator == "$exists":
            return (value is not None) == bool(operand)
        if operand is None:
            return value is None
        if value is None:
            return False
        if isinstance(value, tuple):
            moment, kind = value
            return dates.compare(operator, moment, self.operand_moment(operand, kind), self.zone_of(kind))
        if isinstance(value, str):
            return ordered(operator, value.encode(), operand.encode())
        return ordered(operator, value, number(operand))

    # Dates

    def zone_of(self, kind: str | None) -> ZoneInfo:
        return self.zone if kind in ("date", "timestamp") else ZoneInfo("UTC")

    def moment(self, value, kind: str | None):
        """The day or point in time that a stored value is, or None."""
        if isinstance(value, date):
            moment = value
        elif isinstance(value, str):
            moment = dates.parsed(value, ZoneInfo("UTC"))
        elif kind in ("timestamp", "date") and is_number(value):
            moment = dates.from_milliseconds(number(value))
        else:
            moment = None
        return moment if moment is None or kind != "date" else dates.day_of(moment, self.zone)

    def operand_moment(self, operand, kind: str | None):
        """A day, a point in time or a span."""
        zone = self.zone_of(kind)
        today = self.now.astimezone(zone).date()
        if isinstance(operand, str):
            moment = dates.parsed(operand, zone)
        elif "$period" in operand:
            return dates.period(operand["$period"], today)
        elif "$today" in operand:
            moment = dates.shifted(today, *dates.offset_of(operand["$today"]))
        elif "$now" in operand:
            moment = dates.later(self.now, operand["$now"], zone)
        else:
            moment = dates.parsed(operand["$date"], zone)
        return dates.day_of(moment, zone) if kind == "date" else moment

    def comparison(self, operator: str, value, operand, kind: str | None) -> bool:
        if kind in ("date", "timestamp") or isinstance(operand, dict):
            moment = self.moment(value, kind)
            return moment is not None and dates.compare(operator, moment, self.operand_moment(operand, kind), self.zone_of(kind))
        if is_number(operand):
            return kind in (None, "number") and is_number(value) and ordered(operator, number(value), number(operand))
        if isinstance(operand, str):
            return kind in (None, "string") and isinstance(value, str) and ordered(operator, value.encode(), operand.encode())
        return isinstance(value, bool) and ordered(operator, value, operand)

    def compared(self, expression: dict, document: dict, scope: Scope) -> bool:
        """`$expr` with two sides, at least one of which is a field."""
        (operator, sides), = expression.items()
        if operator == "$ne":
            return not self.compared({"$eq": sides}, document, scope)
        kinds = [scope.type_of(side[1:]) if isinstance(side, str) and side.startswith("$") else None for side in sides]
        values = [descend(document, side[1:].split(".")) if kind else side for side, kind in zip(sides, kinds)]
        kind = kinds[0] or kinds[1]
        if kind == "number":
            return all(map(is_number, values)) and ordered(operator, *map(number, values))
        if kind == "string":
            return all(isinstance(value, str) for value in values) and ordered(operator, *(value.encode() for value in values))
        moments = [self.moment(value, of) if of else self.operand_moment(value, kind) for value, of in zip(values, kinds)]
        if None in moments:
            return False
        if any(map(dates.is_day, moments)):
            moments = [dates.day_of(moment, self.zone) for moment in moments]
        return ordered(operator, *moments)

    # Elements

    def elements(self, predicate: dict, array: list, scope: Scope, filters: tuple = (), by=None) -> bool:
        if "$filter" in predicate:
            filters = (*filters, predicate["$filter"])
        by = predicate.get("$by", by)
        seen = [element for element in array if all(self.satisfies(element, part, scope) for part in filters)]
        return all(self.elements_test(o, x, array, seen, scope, filters, by) for o, x in predicate.items() if o not in ("$filter", "$by"))

    def satisfies(self, element, condition: dict, scope: Scope) -> bool:
        inner = Scope(scope.types)
        return isinstance(element, dict) and self.condition(condition, element, inner)

    def elements_test(self, operator: str, operand, array: list, seen: list, scope: Scope, filters: tuple, by) -> bool:
        if operator == "$not":
            return not self.elements(operand, array, scope, filters, by)
        if operator in ("$some", "$elemMatch", "$none"):
            return any(self.satisfies(element, operand, scope) for element in seen) == (operator != "$none")
        if operator == "$every":
            return all(self.satisfies(element, operand, scope) for element in seen)
        if operator == "$count":
            return all(self.holds_of(o, x, Fraction(len(seen))) for o, x in predicate_of(operand).items())
        if operator in ("$sum", "$avg", "$min", "$max", "$distinct"):
            return all(self.aggregate(operator, path, predicate_of(asked), seen, scope) for path, asked in operand.items())
        if operator in ("$first", "$last"):
            return self.end(operator, operand, seen, scope, by)
        if operator == "$sequence":
            return self.sequence(operand, seen, scope, by)
        # Of the whole array
        if operator == "$size":
            return len(array) == operand
        if operator == "$exists":
            return bool(operand)
        if operator == "$empty":
            return (not array) == operand
        if operator == "$all":
            return bool(operand) and all(self.elements(entry, array, scope) for entry in operand)
        if operator == "$type":
            return operand == "array"
        if operator in ("$eq", "$ne") and operand is None:
            return operator == "$ne"
        raise ValueError(operator)

    def aggregate(self, operator: str, path: str, asked: dict, seen: list, scope: Scope) -> bool:
        kind, keys = scope.type_of(path), path.split(".")
        if kind in (None, "json") or kind.endswith("[]"):
            found = [value for element in seen if isinstance(element, dict) for value in walk(element, keys)]
            found = [item for value in found for item in (value if isinstance(value, list) else [value])]
            kind = kind[:-2] if kind and kind.endswith("[]") else None
        else:
            found = [descend(element, keys) for element in seen if isinstance(element, dict)]
        if kind is None and operator != "$distinct":
            kind = kind_of_operands(asked)
        is_date = kind in ("date", "timestamp", "undeclared date")
        read_as = None if kind == "undeclared date" else kind
        if kind is None:
            values = [value for value in found if value is not MISSING and value is not None]
            values = [value for value in values if not (isinstance(value, Decimal) and value.is_nan())]
        elif is_date:
            values = [moment for value in found if (moment := self.moment(value, read_as)) is not None]
        else:
            fits = {"number": is_number, "string": lambda v: isinstance(v, str), "boolean": lambda v: isinstance(v, bool)}[kind]
            values = [value for value in found if fits(value)]
        result = self.computed(operator, values, is_date, read_as)
        return all(self.holds_of(o, x, result) for o, x in asked.items())

    def computed(self, operator: str, values: list, is_date: bool, kind: str | None):
        if operator == "$distinct":
            return Fraction(len({key_of(value) for value in values}))
        if operator in ("$sum", "$avg"):
            numbers = [number(value) for value in values]
            if INFINITY in numbers and -INFINITY in numbers or operator == "$avg" and not numbers:
                return None
            for beyond in (INFINITY, -INFINITY):
                if beyond in numbers:
                    return beyond
            return sum(numbers, Fraction(0)) / (len(numbers) if operator == "$avg" else 1)
        if not values:
            return None
        choose = min if operator == "$min" else max
        if is_date:
            zone = self.zone_of(kind)
            return choose(values, key=lambda moment: dates.place(moment, zone)), kind
        if isinstance(values[0], str):
            return choose(values, key=str.encode)
        return choose(map(number, values))

    # Order

    def placed(self, seen: list, scope: Scope, by) -> tuple[list, ZoneInfo | None]:
        """Each element with its place and its time, and the zone of the calendar."""
        if by is None and scope.order is None:
            return [((index,), None, element) for index, element in enumerate(seen)], None
        path = by or scope.order.time
        kind = scope.type_of(path)
        zone = self.zone_of(kind)
        placed = []
        for index, element in enumerate(seen):
            moment = self.moment(descend(element, path.split(".")), kind)
            if moment is not None:
                order = (index,) if scope.order and scope.order.has_key else ()
                placed.append((dates.place(moment, zone) + order, moment, element))
        return placed, zone

    def end(self, operator: str, condition: dict, seen: list, scope: Scope, by) -> bool:
        placed, _ = self.placed(seen, scope, by)
        if not placed:
            return False
        end = (min if operator == "$first" else max)(place for place, _, _ in placed)
        return any(self.satisfies(element, condition, scope) for place, _, element in placed if place == end)

    def sequence(self, entries: list[dict], seen: list, scope: Scope, by) -> bool:
        placed, zone = self.placed(seen, scope, by)
        steps: list[tuple[dict, str | None, list]] = []
        for entry in entries:
            within = entry.get("$within")
            if "$none" in entry:
                steps[-1][2].append((entry["$none"], within))
            else:
                steps.append(({key: value for key, value in entry.items() if key != "$within"}, within, []))
        # Those that may end the steps so far
        ends: list | None = None
        for condition, within, absences in steps:
            ends = [
                here
                for here in placed
                if self.satisfies(here[2], condition, scope)
                and (ends is None or any(self.follows(here, before, within, zone) for before in ends))
                and all(self.is_absent(here, placed, absence, scope, zone) for absence in absences)
            ]
        return bool(ends)

    def follows(self, here: tuple, before: tuple, within: str | None, zone) -> bool:
        return before[0] < here[0] and (within is None or here[0][:2] < dates.end_of(before[1], within, zone))

    def is_absent(self, here: tuple, placed: list, absence: tuple, scope: Scope, zone) -> bool:
        condition, within = absence
        if (self.now, 1) < dates.end_of(here[1], within, zone):
            return False
        return not any(self.follows(other, here, within, zone) and self.satisfies(other[2], condition, scope) for other in placed)


def inherited(predicate: dict) -> dict:
    """The `$filter` and the `$by` beside a test."""
    return {key: predicate[key] for key in ("$filter", "$by") if key in predicate}


def inside(types: dict[str, str], path: str) -> dict[str, str]:
    """The types of the names behind a path."""
    return {name[len(path) + 1 :]: kind for name, kind in types.items() if name.startswith(path + ".")}


def kind_of_operands(asked: dict) -> str | None:
    for operator, operand in asked.items():
        for value in operand if isinstance(operand, list) else [operand]:
            if operator == "$not":
                return kind_of_operands(value)
            if isinstance(value, bool) or value is None:
                continue
            if isinstance(value, dict):
                return "undeclared date"
            return "string" if isinstance(value, str) else "number"
    return None
