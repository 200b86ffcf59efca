"""What conditions mean, as slowly and plainly as can be, from the documentation alone.

A contact is a dictionary with a list of rows for each relation, in the relation's order. A row is a dictionary too.
"""

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

import dates
from elements import Elements
from values import DATES, INFINITY, MISSING, UNTYPED, Scope, descend, inherited, inside, is_number, is_operators, key_of, number, ordered, predicate_of, walk

COMPARISONS = ("$eq", "$gt", "$gte", "$lt", "$lte")
ELEMENTS = ("$some", "$none", "$every", "$count", "$sum", "$avg", "$min", "$max", "$distinct", "$first", "$last", "$sequence")
PARTS = {
    "$year": lambda day: day.year,
    "$month": lambda day: day.month,
    "$dayOfMonth": lambda day: day.day,
    "$isoDayOfWeek": lambda day: day.isoweekday(),
}


class Evaluator(Elements):
    def __init__(self, zone: str, now: datetime):
        self.zone, self.now = ZoneInfo(zone), now

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
        if operator == "$all":
            # Different rows may have them.
            return bool(operand) and all(self.field_test("$eq", entry, predicate, path, documents, scope) for entry in operand)
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
