"""What conditions say of the rows of a relation, or of the elements of an array, taken together."""

from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import dates
from values import INFINITY, MISSING, Scope, as_object, descend, is_number, key_of, keys_of, number, predicate_of, walk


class Elements:
    """The tests on elements. What they ask of one element, of a date and of a result is in evaluate.py."""

    def elements(self, predicate: dict, array: list, scope: Scope, filters: tuple = (), by=None) -> bool:
        if "$filter" in predicate:
            filters = (*filters, predicate["$filter"])
        by = predicate.get("$by", by)
        seen = [element for element in array if all(self.satisfies(element, part, scope) for part in filters)]
        return all(self.elements_test(o, x, array, seen, scope, filters, by) for o, x in predicate.items() if o not in ("$filter", "$by"))

    def satisfies(self, element, condition: dict, scope: Scope) -> bool:
        seen = as_object(element)
        return seen is not None and self.condition(condition, seen, Scope(scope.types))

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
        kind, keys = scope.type_of(path), keys_of(path)
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
        said = by if isinstance(by, dict) else {"$field": by or scope.order.time}
        path = said["$field"]
        kind = said.get("$as", scope.type_of(path))
        zone = self.zone_of(kind)
        is_stable = said.get("$stable", scope.order is not None and scope.order.has_key)
        placed = []
        for index, element in enumerate(seen):
            moment = self.moment(descend(element, keys_of(path)), kind)
            if moment is not None:
                placed.append((dates.place(moment, zone) + (index,) * is_stable, moment, element))
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
