"""What conditions mean, as slowly and plainly as can be, from the documentation alone.

A contact is a dictionary with a list of rows for each relation, in the relation's order. A row is a dictionary too.
"""

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

import dates
from elements import Elements
from values import (
    DATES,
    INFINITY,
    MISSING,
    UNTYPED,
    Scope,
    as_object,
    descend,
    inherited,
    inside,
    is_number,
    is_operators,
    key_of,
    keys_of,
    narrowed,
    number,
    ordered,
    predicate_of,
    walk,
)

COMPARISONS = ("$eq", "$gt", "$gte", "$lt", "$lte")
ELEMENTS = ("$some", "$none", "$every", "$count", "$sum", "$avg", "$min", "$max", "$distinct", "$first", "$last", "$sequence")
OPPOSITE = {"$ne": "$eq", "$nin": "$in"}
PARTS = {
    "$year": lambda day: day.year,
    "$month": lambda day: day.month,
    "$dayOfMonth": lambda day: day.day,
    "$isoDayOfWeek": lambda day: day.isoweekday(),
    "$hour": lambda local: None if dates.is_day(local) else local.hour,
}
TYPES = {"string": str, "array": list, "object": dict}


def literal(side):
    return side["$literal"] if isinstance(side, dict) and "$literal" in side else side


def is_empty(value) -> bool:
    return value is MISSING or value is None or isinstance(value, (str, list, dict)) and not value


class Evaluator(Elements):
    def __init__(self, zone: str, now: datetime, segments: dict[str, tuple[dict, str]]):
        """`segments` are the conditions that may be named, with their zones."""
        self.zone, self.now, self.segments = ZoneInfo(zone), now, segments

    def condition(self, condition: dict, document: dict, scope: Scope) -> bool:
        return all(self.member(name, operand, document, scope) for name, operand in condition.items())

    def member(self, name: str, operand, document: dict, scope: Scope) -> bool:
        if name in ("$and", "$or", "$nor"):
            answers = [self.condition(part, document, scope) for part in operand]
            return all(answers) if name == "$and" else any(answers) == (name == "$or")
        if name == "$not":
            return not self.condition(operand, document, scope)
        if name == "$segment":
            return all(self.membership(operator, asked, document, scope) for operator, asked in predicate_of(operand).items())
        if name == "$expr":
            return self.compared(operand, document, scope)
        first, _, rest = name.partition(".")
        if scope.relations and first in scope.relations:
            rows = document[first]
            inner = Scope(inside(scope.types, first), order=scope.relations[first])
            return self.field(predicate_of(operand), rest, rows, inner) if rest else self.elements(predicate_of(operand), rows, inner)
        return self.field(predicate_of(operand), name, [document], scope)

    def membership(self, operator: str, asked, document: dict, scope: Scope) -> bool:
        """`$segment`: in one of these, or in none. Each is read in its own zone."""

        def is_member(name: str) -> bool:
            condition, zone = self.segments[name]
            return Evaluator(zone, self.now, self.segments).condition(condition, document, scope)

        return any(map(is_member, asked if isinstance(asked, list) else [asked])) == (operator in ("$eq", "$in"))

    # A field, of one document or of each row of a relation

    def field(self, predicate: dict, path: str, documents: list[dict], scope: Scope) -> bool:
        return all(self.field_test(operator, operand, predicate, path, documents, scope) for operator, operand in predicate.items())

    def field_test(self, operator: str, operand, predicate: dict, path: str, documents: list[dict], scope: Scope) -> bool:
        if operator in ("$filter", "$by"):
            return True
        if operator == "$not":
            return not self.field(narrowed(operand, predicate), path, documents, scope)
        if operator in OPPOSITE:
            return not self.field_test(OPPOSITE[operator], operand, predicate, path, documents, scope)
        if operator == "$all":
            # Different rows may have them.
            return bool(operand) and all(self.field_test("$eq", entry, predicate, path, documents, scope) for entry in operand)
        negative = set(operand) & set(OPPOSITE) if operator in PARTS and is_operators(operand) else ()
        if negative:
            # Of a part they are complements, too.
            rest = {test: asked for test, asked in operand.items() if test not in negative}
            opposites = [{OPPOSITE[test]: operand[test]} for test in negative]
            holds = lambda asked: self.field_test(operator, asked, predicate, path, documents, scope)
            return not any(map(holds, opposites)) and (not rest or holds(rest))
        kind, keys = scope.type_of(path), keys_of(path)
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
        if operator == "$empty":
            return (not found or any(map(is_empty, found))) == operand
        return any(self.value_test(operator, operand, predicate, value, kind) for value in found)

    def value_test(self, operator: str, operand, predicate: dict, value, kind: str | None) -> bool:
        if operator == "$in":
            return any(self.value_test("$eq", entry, predicate, value, kind) for entry in operand)
        if operator == "$eq" and operand is None:
            is_opened = isinstance(value, list) and (kind in (None, "json") or kind.endswith("[]"))
            return value is MISSING or value is None or is_opened and None in value
        if value is MISSING:
            return False
        if operator == "$options":
            return True
        if kind not in (None, "json") and not kind.endswith("[]"):
            return self.scalar_test(operator, operand, predicate, value, kind)
        element = None if kind in (None, "json") else kind[:-2]
        if operator == "$size":
            return isinstance(value, list) and len(value) == operand
        if operator == "$elemMatch":
            if not isinstance(value, list):
                return False
            if is_operators(operand) and not any(key in ("$and", "$or", "$nor") for key in operand):
                return any(all(self.element_test(o, x, operand, item, element) for o, x in operand.items()) for item in value)
            return any(as_object(item) is not None and self.condition(operand, as_object(item), UNTYPED) for item in value)
        if operator == "$type":
            values = [value, *(value if isinstance(value, list) else [])]
            return any(is_number(item) if operand == "number" else isinstance(item, TYPES[operand]) for item in values)
        if isinstance(value, list):
            is_whole = operator == "$eq" and isinstance(operand, list) and key_of(operand) == key_of(value)
            return is_whole or any(self.scalar_test(operator, operand, predicate, item, element) for item in value)
        return self.scalar_test(operator, operand, predicate, value, element)

    def element_test(self, operator: str, operand, predicate: dict, value, kind: str | None) -> bool:
        """A predicate on an element itself, which is not opened again."""
        if operator == "$not":
            return not all(self.element_test(o, x, operand, value, kind) for o, x in operand.items())
        if operator in OPPOSITE:
            return not self.element_test(OPPOSITE[operator], operand, predicate, value, kind)
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
            part = PARTS[operator](moment if dates.is_day(moment) else moment.astimezone(self.zone_of(kind)))
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
        if operator in OPPOSITE:
            return not self.holds_of(OPPOSITE[operator], operand, value)
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
        elif kind == "date" and is_number(value):
            # Whatever the zone, it is the day in UTC.
            moment = dates.from_milliseconds(number(value)).date()
        elif kind == "timestamp" and is_number(value):
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

    def compared(self, expression, document: dict, scope: Scope) -> bool:
        """`$expr`: comparisons with two sides, at least one of which is a field, and what combines them."""
        if isinstance(expression, bool):
            return expression
        (operator, operands), = expression.items()
        if operator in ("$and", "$or"):
            return (all if operator == "$and" else any)([self.compared(part, document, scope) for part in operands])
        if operator == "$not":
            return not self.compared(operands[0] if isinstance(operands, list) else operands, document, scope)
        if operator == "$ne":
            return not self.compared({"$eq": operands}, document, scope)
        fields = [side[1:] if isinstance(side, str) and side.startswith("$") else None for side in operands]
        kinds = [scope.type_of(field) if field else None for field in fields]
        values = [literal(side) if field is None else descend(document, keys_of(field)) for side, field in zip(operands, fields)]
        if not any(kinds):
            return self.same_type(operator, *values)
        kind = kinds[0] or kinds[1]
        if kind == "number":
            return all(map(is_number, values)) and ordered(operator, *map(number, values))
        if kind == "string":
            return all(isinstance(value, str) for value in values) and ordered(operator, *(value.encode() for value in values))
        if kind == "boolean":
            return all(isinstance(value, bool) for value in values) and ordered(operator, *values)
        moments = [self.moment(value, of) if of else self.operand_moment(value, kind) for value, of in zip(values, kinds)]
        if None in moments:
            return False
        if any(map(dates.is_day, moments)):
            moments = [dates.day_of(moment, self.zone) for moment in moments]
        return ordered(operator, *moments)

    def same_type(self, operator: str, left, right) -> bool:
        """Undeclared sides: of one type, or nothing is so of them."""
        if all(map(is_number, (left, right))):
            return ordered(operator, number(left), number(right))
        if all(isinstance(value, str) for value in (left, right)):
            return ordered(operator, left.encode(), right.encode())
        is_known = all(value is not MISSING and value is not None for value in (left, right))
        return operator == "$eq" and is_known and key_of(left) == key_of(right)
