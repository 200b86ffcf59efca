"""Random conditions on contacts and their rows, mostly about values that are there."""

import random
from datetime import date, datetime
from decimal import Decimal

import dates
from data import PEOPLE, RELATIONS, WITHIN, ZONES, Data, Table
from values import MISSING, written

OFFSETS = ["0 days", "-1 day", "-3 days", "-2 weeks", "-1 month", "-90 days", "-1 year", "-36 hours", "+2 days"]
PERIODS = ["this month", "last month", "this week", "last week", "last quarter", "this year", "last year", "2 weeks ago", "next week"]
ORDERED = ["$gt", "$gte", "$lt", "$lte"]


class Conditions:
    def __init__(self, chance: random.Random, data: Data):
        self.chance = chance
        # The segments that conditions may name
        self.segments: list[str] = []
        self.pools: dict[tuple[str, str], list] = {}
        for name, table, rows in [("", PEOPLE, data.people)] + [(name, table, data.rows[name]) for name, table in RELATIONS.items()]:
            for row in rows:
                keys = row.get("props", MISSING)
                for column, value in ((keys if isinstance(keys, dict) else {}) | row).items():
                    if value is not MISSING and column != "props":
                        self.pools.setdefault((name, written(column)), []).append(value)

    def maybe(self, probability: float) -> bool:
        return self.chance.random() < probability

    def whole(self) -> dict:
        """A condition that asks something of rows."""
        while True:
            condition = self.condition(self.chance.choice([1, 2, 2, 3, 4]))
            if any(f'"{name}' in str(condition).replace("'", '"') for name in RELATIONS):
                return condition

    def condition(self, depth: int) -> dict:
        kind = self.chance.randrange(12) if depth > 0 else 0
        part = lambda: self.condition(depth - 1)
        if kind < 5:
            return dict([self.member()])
        if kind < 7:
            return dict([self.member(), self.member()])
        if kind == 7:
            return dict([self.member()]) | {"$or": [part(), part()]}
        if kind == 8 and self.segments and self.maybe(0.6):
            return dict([self.member(), self.membership()])
        if kind == 8:
            return {"$or": [part(), dict([self.contact_member()])]}
        if kind == 9:
            return {"$nor": [part()] + [part()] * self.maybe(0.5)}
        return {"$not": part()} if kind == 10 else {"$and": [part(), part()]}

    def membership(self) -> tuple:
        one = lambda: self.chance.choice(self.segments)
        several = lambda: [one() for _ in range(self.chance.randrange(4))]
        return "$segment", self.chance.choice([one, one, lambda: {"$ne": one()}, lambda: {"$in": several()}, lambda: {"$nin": several(), "$eq": one()}])()

    def member(self) -> tuple:
        if self.maybe(0.2):
            return self.contact_member()
        name = self.chance.choice(list(RELATIONS))
        if self.maybe(0.2):
            path, predicate = self.leaf(name, RELATIONS[name], dotted=True)
            return f"{name}.{path}", predicate
        return name, self.rows(name, RELATIONS[name])

    def contact_member(self) -> tuple:
        return self.leaf("", PEOPLE)

    # Rows together

    def rows(self, name: str, table: Table, depth: int = 1) -> dict:
        """A predicate on the rows of a relation."""
        chance = self.chance
        if depth > 0 and self.maybe(0.08):
            return {"$not": self.rows(name, table, depth - 1)}
        predicate = {}
        if self.maybe(0.35):
            predicate["$filter"] = self.element(name, table, 1)
        by = self.time(table) if table.time is None or self.maybe(0.25) else None
        for _ in range(chance.choice([1, 1, 1, 2])):
            predicate |= self.rows_test(name, table, by or table.time)
        if depth > 0 and self.maybe(0.15):
            predicate["$not"] = self.rows(name, table, 0)
        elif depth > 0 and "$filter" not in predicate and self.maybe(0.1):
            predicate |= chance.choice([{"$size": chance.randrange(4)}, {"$exists": self.maybe(0.5)}, {"$empty": self.maybe(0.5)}, {"$type": "array"},
                                        {"$all": [{"$elemMatch": self.matched(name, table)} for _ in range(chance.randrange(1, 3))]}])
        if by and any(operator in predicate for operator in ("$first", "$last", "$sequence")):
            predicate["$by"] = by
        return predicate

    def time(self, table: Table) -> str:
        return self.chance.choice([name for name, kind in table.types.items() if kind in ("date", "timestamp")])

    def rows_test(self, name: str, table: Table, time: str) -> dict:
        kind = self.chance.choice(["$some", "$none", "$every", "$count", "$count", "$of", "$of", "$of", "$first", "$last", "$sequence", "$sequence", "$elemMatch"])
        if kind == "$count":
            return {"$count": self.integer()}
        if kind == "$of":
            return self.aggregate(name, table)
        if kind == "$sequence":
            return {"$sequence": self.sequence(name, table, time)}
        return {kind: self.matched(name, table) if kind == "$elemMatch" else self.element(name, table, 1)}

    def matched(self, name: str, table: Table) -> dict:
        """What $elemMatch takes for a condition: it compares no fields, and $not alone would be a predicate."""
        while True:
            condition = self.element(name, table, 1)
            if "$expr" not in str(condition) and list(condition) != ["$not"]:
                return condition

    def integer(self):
        """An integer, or a predicate on one."""
        value = lambda: self.chance.choice([0, 0, 1, 1, 2, 3, 5, 10])
        return self.chance.choice([
            value, lambda: {self.chance.choice(ORDERED): value()}, lambda: {"$ne": value()}, lambda: {"$in": [value(), value()]},
            lambda: {"$nin": [value()]}, lambda: {"$gte": value(), "$lte": 4}, lambda: {"$not": {"$gt": value()}}, lambda: {"$gte": value()},
        ])()

    def aggregate(self, name: str, table: Table) -> dict:
        chance = self.chance
        operator = chance.choice(["$sum", "$sum", "$avg", "$min", "$max", "$distinct"])
        bounded = ("number", "string", "date", "timestamp", "number[]", "string[]")
        fits = {"$sum": ("number", "number[]"), "$avg": ("number", "number[]"), "$min": bounded, "$max": bounded,
                "$distinct": ("number", "string", "date", "timestamp", "boolean", "string[]", "number[]")}[operator]
        paths = [path for path, kind in table.types.items() if kind in fits]
        asked = {}
        for _ in range(1 + self.maybe(0.1)):
            if "data" in table.types and self.maybe(0.2) or not paths:
                path = chance.choice(["data.n", "data.items.p", "data.items.k"]) if "data" in table.types else chance.choice(paths)
                kind = "number"
                if operator == "$distinct":
                    path = chance.choice([path, "data.s", "data.items"])
            else:
                path = chance.choice(paths)
                kind = table.types[path]
            asked[path] = self.integer() if operator == "$distinct" else self.result(name, path, kind, operator)
        return {operator: asked}

    def result(self, name: str, path: str, kind: str, operator: str):
        """What is asked of a value that is computed."""
        def value():
            if operator in ("$sum", "$avg") and self.maybe(0.5):
                return self.chance.choice([0, 1, 3, 5, Decimal("0.3"), 10, 100, -2])
            return self.operand(name, path, kind)

        bound = lambda: {self.chance.choice(ORDERED): value()}
        return self.chance.choice([
            value, lambda: {"$eq": value()}, lambda: {"$ne": value()}, bound, bound,
            lambda: {"$in": [value(), value()]}, lambda: {"$nin": [value()]}, lambda: {"$not": bound()},
            lambda: {"$exists": self.maybe(0.5), "$ne": value()}, lambda: {"$gte": value(), "$lte": value()}, lambda: {"$in": [value(), None]},
        ])()

    def sequence(self, name: str, table: Table, time: str) -> list:
        # Days cannot be counted in hours.
        offsets = WITHIN[:-2] if table.types[time] == "date" else WITHIN
        entries = []
        for number in range(self.chance.choice([2, 2, 2, 3])):
            condition = {} if self.maybe(0.35) else self.element(name, table, 0)
            is_absence = number > 0 and self.maybe(0.25)
            entry = {"$none": condition} if is_absence else condition
            if number > 0 and (is_absence or self.maybe(0.5)):
                entry = entry | {"$within": self.chance.choice(offsets)}
            entries.append(entry)
        return entries

    # One row

    def element(self, name: str, table: Table, depth: int) -> dict:
        kind = self.chance.randrange(12) if depth > 0 else self.chance.randrange(5)
        part = lambda: self.element(name, table, depth - 1)
        leaf = lambda: dict([self.leaf(name, table)])
        if kind < 5:
            return leaf()
        if kind < 7:
            return leaf() | leaf()
        if kind == 7:
            return {"$or": [part(), part()]}
        if kind == 8:
            return {"$not": part()}
        if kind == 9:
            return {"$nor": [part()]}
        if kind == 10:
            return self.compared(name, table)
        return {} if self.maybe(0.2) else leaf() | {"$or": [leaf(), leaf()]}

    def compared(self, name: str, table: Table) -> dict:
        """Comparisons of the fields of one row."""
        return {"$expr": self.chance.choice([
            self.comparison, self.comparison, self.comparison, lambda *of: {"$not": self.comparison(*of)}, lambda *of: {"$not": [self.comparison(*of)]},
            lambda *of: {"$or": [self.comparison(*of), self.comparison(*of)]}, lambda *of: {"$and": [self.comparison(*of), self.comparison(*of), True]},
        ])(name, table)}

    def comparison(self, name: str, table: Table) -> dict:
        chance = self.chance
        operator = chance.choice(["$eq", "$ne", *ORDERED])
        if "data" in table.types and self.maybe(0.3):
            keys = ["$data.n", "$data.s", "$data.items.k", "$data.items", "$data.0"]
            return {operator: [chance.choice(keys[:2]), chance.choice([*keys, 1, "a"])]}
        kinds = chance.choice([("number",), ("string",), ("date", "timestamp"), ("boolean",)])
        fields = [path for path, kind in table.types.items() if kind in kinds]
        if not fields:
            return self.comparison(name, table)
        one, other = f"${chance.choice(fields)}", f"${chance.choice(fields)}"
        if kinds == ("boolean",):
            return {chance.choice(["$eq", "$ne"]): [one, chance.choice([other, True])]}
        if self.maybe(0.3):
            path = one[1:]
            other = self.operand(name, path, table.types[path])
            if isinstance(other, str):
                other = {"$literal" if kinds == ("string",) else "$date": other}
            elif isinstance(other, dict) and "$period" in other:
                other = {"$today": "0 days"}
        return {operator: chance.choice([[one, other], [other, one]])}

    # One field

    def leaf(self, name: str, table: Table, dotted: bool = False) -> tuple:
        chance = self.chance
        path, kind = chance.choice(list(table.types.items()))
        if kind == "json":
            path, predicate = self.undeclared(path)
            return path, predicate
        value = lambda: self.operand(name, path, kind)
        if kind.endswith("[]"):
            return path, chance.choice([
                value, lambda: {"$ne": value()}, lambda: {"$in": [value(), value()]}, lambda: {"$nin": [value()]}, lambda: {"$all": [value(), value()]},
                lambda: {"$size": chance.randrange(3)}, lambda: {"$empty": self.maybe(0.5)}, lambda: {"$exists": self.maybe(0.5)},
                lambda: {"$not": {"$in": [value()]}}, lambda: {"$elemMatch": {"$in": [value()], "$ne": value()}},
            ])()
        shared = [value, value, lambda: {"$ne": value()}, lambda: {"$in": [value(), value()]}, lambda: {"$nin": [value(), value()]},
                  lambda: {"$exists": self.maybe(0.5)}, lambda: {"$empty": self.maybe(0.5)},
                  lambda: {"$eq": None}, lambda: {"$ne": None}, lambda: {"$in": [None, value()]}]
        if kind != "boolean":
            bound = lambda: {chance.choice(ORDERED): value()}
            shared += [bound, bound, bound, lambda: {"$not": bound()}, lambda: {"$gte": value(), "$lt": value()}]
        if kind == "string":
            text = chance.choice(["a", "b", "é", "pa", "e", "%"])
            shared += [lambda: {chance.choice(["$contains", "$startsWith", "$endsWith"]): text}, lambda: {"$regex": f"^{text}|z$"},
                       lambda: {"$regex": text, "$options": "i"}, lambda: {"$not": {"$contains": text}}]
        if kind == "number":
            shared += [lambda: {"$mod": [3, chance.randrange(3)]}]
        if kind in ("date", "timestamp"):
            shared += [lambda: {"$month": {"$gte": chance.randrange(1, 13)}}, lambda: {"$isoDayOfWeek": {"$in": [1, 6, 7]}}, lambda: {"$year": 2026},
                       lambda: {"$dayOfMonth": {"$nin": [1, 31]}}, lambda: {"$year": {"$lt": 2026}, "$month": {"$ne": chance.randrange(1, 13)}}]
        if kind == "timestamp":
            shared += [lambda: {"$hour": {"$gte": chance.randrange(24)}}]
        return path, chance.choice(shared)()

    def operand(self, name: str, path: str, kind: str):
        """A value to compare with, most often one that is there."""
        chance = self.chance
        kind = kind.removesuffix("[]")
        pool = [item for value in self.pools.get((name, path), []) for item in (value if isinstance(value, list) else [value])]
        if kind == "boolean":
            return self.maybe(0.5)
        if kind == "number":
            pool = [value for value in pool if isinstance(value, (int, Decimal)) and not isinstance(value, bool) and Decimal(value).is_finite()]
            return chance.choice(pool) if pool and self.maybe(0.7) else chance.choice([0, 1, 2, Decimal("1.5"), -1, 7])
        if kind == "string":
            pool = [value for value in pool if isinstance(value, str)]
            return chance.choice(pool) if pool and self.maybe(0.8) else chance.choice(["a", "zz", "paid"])
        if self.maybe(0.3):
            times = [{"$today": chance.choice(OFFSETS[:7])}, {"$period": chance.choice(PERIODS)}]
            return chance.choice(times + [{"$now": chance.choice(OFFSETS)}] * (kind == "timestamp"))
        pool = [value for value in pool if isinstance(value, date)] or [date(2026, 1, 31), datetime(2026, 3, 1, 5, tzinfo=dates.UTC)]
        moment = chance.choice(pool)
        if dates.is_day(moment) or kind == "date" or self.maybe(0.3):
            return moment.isoformat()[:10]
        zone = dates.ZoneInfo(chance.choice(ZONES))
        texts = [moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), moment.astimezone(zone).isoformat(), moment.strftime("%Y-%m-%dT%H:%M:%S")]
        return chance.choice(texts)

    def undeclared(self, column: str) -> tuple:
        """A test of a key of a jsonb column, and of the arrays in it."""
        chance = self.chance
        number = lambda: chance.choice([1, 2, Decimal("0.5"), 3])
        kind = chance.randrange(7)
        if kind == 0:
            return f"{column}.n", chance.choice([
                {chance.choice(["$eq", "$ne", *ORDERED]): number()}, {"$in": [number(), None]}, {"$exists": self.maybe(0.5)}, {"$type": "number"}])
        if kind == 1:
            return f"{column}.s", chance.choice([
                "a", {"$ne": "b"}, {"$gte": "b"}, {"$in": ["z", 5]}, {"$regex": "^a"}, {"$size": 2}, {"$all": ["a", "b"]}, {"$empty": self.maybe(0.5)}])
        if kind == 2:
            moment = chance.choice(["2026-06-01", "2026-11-01T00:00:00Z", "2025-12-31"])
            return f"{column}.d", {chance.choice(ORDERED): {"$date": moment}}
        if kind == 3:
            return f"{column}.items.{chance.choice('kkp')}", chance.choice([
                1, {"$ne": 1}, {"$gt": 0}, {"$exists": False}, None, {"$not": {"$lt": 2}}, {"$all": [1, 2]}])
        if kind == 4:
            return column, chance.choice([{"$exists": self.maybe(0.5)}, None, {"$ne": None}, [1, 2], {"$type": "array"}, {"$empty": self.maybe(0.5)}])
        return f"{column}.items", self.elements()

    def elements(self, depth: int = 1) -> dict:
        """A predicate on an array inside a row."""
        chance = self.chance
        number = lambda: chance.choice([1, 2, Decimal("2.5"), 3])
        item = lambda: chance.choice([
            {"k": {"$gte": chance.randrange(3)}}, {"k": chance.randrange(3)}, {"p": {"$exists": False}}, {"0": 1}, {}, {"p": "x"},
            {"d": {"$lt": {"$date": "2026-06-01"}}}, {"$not": {"k": 1}}, {"$expr": {chance.choice(ORDERED): ["$k", "$p"]}}])
        matched = {"k": {"$gte": chance.randrange(3)}} | chance.choice([{}, {"p": number()}])
        operator = chance.choice(["$min", "$max", "$sum", "$avg"])
        predicate = chance.choice([
            lambda: {"$some": item()}, lambda: {"$none": item()}, lambda: {"$every": item()}, lambda: {"$elemMatch": matched},
            lambda: {"$count": self.integer()},
            lambda: {operator: {"p": {chance.choice(["$eq", "$ne", *ORDERED]): number()}}}, lambda: {operator: {"k": {"$in": [number(), 0]}}},
            lambda: {"$distinct": {chance.choice("kpd"): self.integer()}}, lambda: {"$first": item()}, lambda: {"$last": item()},
            lambda: {"$max": {"d": {chance.choice(ORDERED): {"$date": "2026-01-31"}}}}, lambda: {"$sequence": [item(), item()]},
            lambda: {"$sequence": [item(), item() | {"$within": chance.choice(WITHIN)}]},
        ])()
        if self.maybe(0.3):
            predicate["$filter"] = item()
        if "$within" in str(predicate) or self.maybe(0.3) and any(operator in predicate for operator in ("$first", "$last", "$sequence")):
            predicate["$by"] = chance.choice(["d", {"$field": "d", "$stable": True}, {"$field": "d", "$as": "timestamp"}])
        if depth > 0 and self.maybe(0.2):
            predicate["$not"] = self.elements(0)
        return {"$not": predicate} if depth > 0 and self.maybe(0.1) else predicate
