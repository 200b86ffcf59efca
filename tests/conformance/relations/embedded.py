"""The same condition on contacts that have their rows inside them: what a relation adds to it is written out."""

from data import RELATIONS, TYPES
from evaluate import OPPOSITE, PARTS

ORDERED = ("$first", "$last", "$sequence")


def embedded(condition: dict) -> dict:
    return {"$and": [member(name, operand) for name, operand in condition.items()]} if condition else {}


def member(name: str, operand) -> dict:
    if name in ("$and", "$or", "$nor"):
        return {name: [embedded(part) for part in operand]}
    if name == "$not":
        return {name: embedded(operand)}
    relation, _, path = name.partition(".")
    if relation not in RELATIONS:
        return {name: operand}
    if not path:
        return {name: rows(relation, operand, None) if isinstance(operand, dict) else operand}
    # Paths into jsonb fan out by themselves.
    if TYPES.get(name, "json") == "json":
        return {name: operand}
    if not isinstance(operand, dict) or not any(key.startswith("$") for key in operand) or set(operand) & {"$today", "$now", "$period", "$date"}:
        operand = {"$eq": operand}
    return {"$and": [some_row(relation, path, test, asked, operand) for test, asked in operand.items() if test != "$options"]}


def some_row(relation: str, path: str, test: str, asked, predicate: dict) -> dict:
    """A test of a column: some row satisfies it, or none satisfies the opposite."""
    if test in OPPOSITE:
        return {"$not": some_row(relation, path, OPPOSITE[test], asked, predicate)}
    if test == "$exists" and not asked:
        return {"$not": some_row(relation, path, test, True, predicate)}
    if test == "$empty":
        empty = {"$or": [{relation: {"$empty": True}}, {relation: {"$elemMatch": {path: {test: True}}}}]}
        return empty if asked else {"$not": empty}
    if test in PARTS and isinstance(asked, dict) and set(asked) & set(OPPOSITE):
        (inner, operand), = asked.items()
        return {"$not": some_row(relation, path, test, {OPPOSITE[inner]: operand}, predicate)}
    if test == "$all":
        return {"$and": [some_row(relation, path, "$eq", entry, predicate) for entry in asked]}
    if test == "$not":
        return {"$not": {"$and": [some_row(relation, path, inner, operand, asked) for inner, operand in asked.items() if inner != "$options"]}}
    options = {"$options": predicate["$options"]} if "$options" in predicate else {}
    return {relation: {"$elemMatch": {path: {test: asked} | options}}}


def rows(relation: str, predicate: dict, by) -> dict:
    """The relation's order, where no other is said."""
    table = RELATIONS[relation]
    by = predicate.get("$by", by)
    written = {key: value for key, value in predicate.items() if key != "$by"}
    if any(operator in predicate for operator in ORDERED):
        written["$by"] = {"$field": by or table.time, "$stable": True} if table.key else by or table.time
    if "$not" in predicate:
        written["$not"] = rows(relation, predicate["$not"], by)
    return written
