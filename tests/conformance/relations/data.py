"""Random contacts with their rows, in five relations that differ in keys, times, contact columns and scope."""

import json
import random
import uuid
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

import dates
from values import MISSING, Relation, written

WORDS = ["a", "b", "ab", "Ab", "", "z", "é", "ß", "日本", "😀", "a%b", "it's", 'q"', "back\\slash", "$x", "a.b", "\n"]
STATES = ["paid", "open", "refunded", "lost"]
NAMES = ["view", "buy", "sign up", "view", "click"]
# Clocks change by an hour at night, by half an hour, and at midnight.
ZONES = ["UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "America/Havana"]
WITHIN = ["0 days", "1 day", "3 days", "1 week", "2 weeks", "1 month", "1 year", "36 hours", "90 minutes"]
# Ends of months, and the hours before clocks change.
EDGES = ["2024-02-29T10:00", "2025-01-31T12:00", "2025-03-08T07:30", "2025-03-29T00:30", "2025-04-04T15:15", "2025-10-25T00:30", "2025-11-01T05:30"]
# Contacts by their ids' type: the id of a number.
IDS = {
    "int": lambda number: number,
    "bigint": lambda number: (number - 20) * 10**15,
    "uuid": lambda number: str(uuid.UUID(int=number * 0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835 % 2**128)),
    "text": lambda number: f"{WORDS[number % len(WORDS)]} {number}",
}


@dataclass(frozen=True)
class Table:
    """A table of rows: its columns with their SQL types, and the keys of its jsonb column that are declared."""

    columns: dict[str, str]
    declared: dict[str, str] = field(default_factory=dict)
    # The columns that conditions do not name
    hidden: tuple[str, ...] = ()
    contact: str = ""
    key: tuple[str, ...] = ()
    # As conditions write it
    time: str | None = None
    # The rows that belong to contacts
    in_scope: dict = field(default_factory=dict)

    @property
    def types(self) -> dict[str, str]:
        """The properties, as conditions write them."""
        columns = {written(name): property_type(kind) for name, kind in self.columns.items() if name not in self.hidden}
        return columns | self.declared


def property_type(sql: str) -> str:
    if sql.endswith("[]"):
        return property_type(sql[:-2]) + "[]"
    if sql in ("int", "smallint", "bigint", "numeric", "float8", "float4"):
        return "number"
    return {"bool": "boolean", "date": "date", "timestamp": "timestamp", "timestamptz": "timestamp", "jsonb": "json"}.get(sql, "string")


PEOPLE = Table(
    {"id": "int", "tenant": "int", "country": "text", "score": "numeric", "joined": "date", "active": "bool", "props": "jsonb"},
    {"plan": "string", "level": "number"},
    hidden=("id", "tenant", "props"),
    in_scope={"tenant": 1},
)
RELATIONS = {
    "orders": Table(
        {"number": "int", "person": "int", "total": "numeric", "weight": "float8", "small": "smallint", "state": "order_state", "note": "text",
         "code": "varchar", "paid": "bool", "day": "date", "placed_at": "timestamptz", "local_at": "timestamp", "ref": "uuid",
         "data": "jsonb", "tags": "text[]", "counts": "int[]", "props": "jsonb"},
        {"channel": "string", "points": "number", "seen": "timestamp", "labels": "string[]"},
        hidden=("person", "props"), contact="person", key=("number",), time="placed_at",
    ),
    "events": Table(
        {"person": "bigint", "name": "text", "at": "timestamp", "value": "float4", "props": "jsonb"},
        {"page": "string", "depth": "number", "until": "timestamp"},
        hidden=("person", "props"), contact="person", time="at",
    ),
    "visits": Table(
        {"page": "text", "nth": "int", "visitor": "text", "at": "date", "length": "bigint"},
        hidden=("visitor",), contact="visitor", key=("page", "nth"), time="at",
    ),
    "tickets": Table(
        {"ticket": "uuid", "person": "int", "deleted": "bool", "title": "text", "opened_at": "timestamptz", "severity": "int", "data": "jsonb"},
        hidden=("person",), contact="person", key=("ticket",), in_scope={"deleted": False},
    ),
    # A view of `mail`, whose columns are called like paths and operators
    "mails": Table(
        {"person": "text", "sent.at": "timestamptz", "$size": "int", "subject": "text", "props": "jsonb"},
        {"opened": "date", "clicks": "number[]"},
        hidden=("person", "props"), contact="person", time="sent\\.at",
    ),
}
# The tables behind views
STORED = {"mails": "mail"}
ORDERS = {name: Relation(table.time, bool(table.key)) for name, table in RELATIONS.items()}
TYPES = PEOPLE.types | {f"{relation}.{name}": kind for relation, table in RELATIONS.items() for name, kind in table.types.items()}


@dataclass
class Data:
    """What is in the tables: each row has all of its columns."""

    id_type: str
    people: list[dict]
    rows: dict[str, list[dict]]

    def contacts(self) -> dict[str, dict]:
        """Those in the audience, as the evaluator takes them: with their rows in each relation's order."""
        found = {}
        for person in self.people:
            if person["tenant"] != 1:
                continue
            contact = seen(person, PEOPLE)
            for name, table in RELATIONS.items():
                own = [row for row in self.rows[name] if belongs(row, person, table)]
                own.sort(key=lambda row: tuple(sorted_by_c(row[column]) for column in table.key))
                contact[name] = [seen(row, table) for row in own]
            found[str(person["id"])] = contact
        return found


def belongs(row: dict, person: dict, table: Table) -> bool:
    is_own = row[table.contact] is not MISSING and str(row[table.contact]) == str(person["id"])
    return is_own and all(row[name] == value for name, value in table.in_scope.items())


def sorted_by_c(value):
    return value.encode() if isinstance(value, str) else value


def seen(row: dict, table: Table) -> dict:
    """A row as conditions see it: its columns that are not NULL, and the keys of its jsonb column beside them."""
    keys = row.get("props", MISSING)
    keys = keys if isinstance(keys, dict) else {}
    found = {name: value for name, value in keys.items() if name not in table.columns}
    return found | {name: value for name, value in row.items() if value is not MISSING and name != "props"}


class Values:
    """Random values of columns."""

    def __init__(self, chance: random.Random, now: datetime, has_infinity: bool):
        self.chance, self.has_infinity = chance, has_infinity
        # Few, so that rows share them; half an hour away from what an offset from now leads to
        hour = now.replace(minute=0, second=0, microsecond=0)
        hours = lambda: chance.choice([3, 7, 25, 60, 200, 1000, 9000]) * chance.randrange(1, 6)
        ticks = [hour - timedelta(hours=hours(), minutes=chance.choice([30, 31])) for _ in range(12)]
        days = [(now - timedelta(days=chance.randrange(2, 400))).date() for _ in range(4)]
        starts = [dates.start_of(day, dates.ZoneInfo(chance.choice(ZONES))) for day in days]
        edges = []
        for _ in range(4):
            edge = datetime.fromisoformat(chance.choice(EDGES) + "Z")
            end = dates.later(edge, chance.choice(WITHIN), dates.ZoneInfo(chance.choice(ZONES)))
            edges += [edge, end, end + timedelta(microseconds=1)]
        self.ticks = ticks + edges + starts + [tick - timedelta(microseconds=1) for tick in starts] + [now + timedelta(days=3, hours=1, minutes=30)]

    def of(self, sql: str):
        return getattr(self, {"text": "text", "varchar": "text", "float8": "float", "float4": "float", "timestamptz": "instant",
                              "timestamp": "instant", "smallint": "int", "bigint": "int", "bool": "boolean"}.get(sql, sql.replace("[]", "_array")))()

    def text(self):
        return self.chance.choice(WORDS)

    def int(self):
        return self.chance.choice([0, 1, 2, 3, 5, 5, 10, -1, -7, 32767])

    def numeric(self):
        special = ["NaN"] + ["Infinity", "-Infinity"] * self.has_infinity
        texts = ["0", "1", "1.0", "2.50", "-3", "0.1", "0.2", "100", "1e20", "-1e20", "123456789012345678901234567890.5", "0.000000000000000000001"]
        return Decimal(self.chance.choice(texts * 2 + special))

    def float(self):
        special = ["NaN", "-0.0"] + ["Infinity", "-Infinity"] * self.has_infinity
        return Decimal(self.chance.choice(["0", "0.1", "0.2", "0.3", "1.5", "-2.25", "1e15", "1e-05", "1e+20", "7"] * 2 + special))

    def boolean(self):
        return self.chance.random() < 0.5

    def instant(self):
        return self.chance.choice(self.ticks)

    def date(self):
        return self.chance.choice(self.ticks).date()

    def uuid(self):
        return str(uuid.UUID(int=self.chance.randrange(6) * 0x1000_0000_0000_0000_0000_0000_0000_0001))

    def order_state(self):
        return self.chance.choice(STATES)

    def text_array(self):
        return [self.chance.choice([*WORDS, None]) for _ in range(self.chance.randrange(4))]

    def int_array(self):
        return [self.chance.choice([1, 2, 3, -5, None]) for _ in range(self.chance.randrange(4))]

    def moment_text(self):
        moment = self.instant()
        elsewhere = moment.astimezone(dates.ZoneInfo("Asia/Kolkata"))
        return self.chance.choice([moment.date().isoformat(), moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), elsewhere.isoformat()])

    def jsonb(self):
        """Undeclared: numbers, texts, dates, objects and arrays of objects under a few keys."""
        chance = self.chance
        value = {}
        if chance.random() < 0.7:
            value["n"] = chance.choice([1, 2, Decimal("2.0"), Decimal("0.5"), "1", None, [1, 3], True])
        if chance.random() < 0.6:
            value["s"] = chance.choice([*WORDS, 5, ["a", "b"], None])
        if chance.random() < 0.5:
            value["d"] = chance.choice([self.moment_text(), "soon", 17])
        if chance.random() < 0.6:
            value["items"] = chance.choice([[], [7], {"k": 1}] + [[self.item() for _ in range(chance.randrange(5))] for _ in range(4)])
        return chance.choice([value] * 8 + [None, [1, 2], "text"])

    def item(self):
        """An element of an array in a row."""
        chance = self.chance
        if chance.random() < 0.1:
            return chance.choice([7, None, [1, 2], [[]]])
        item = {"k": chance.randrange(3), "p": chance.choice([1, Decimal("2.5"), "x", [1, 2], None]), "d": self.moment_text()}
        return {key: value for key, value in item.items() if chance.random() < 0.85}

    def declared(self, kind: str):
        chance = self.chance
        if kind.endswith("[]"):
            item = lambda: chance.choice(WORDS) if kind == "string[]" else self.int()
            return chance.choice([[item() for _ in range(chance.randrange(4))], [1, "a", None]])
        if chance.random() < 0.12:
            return chance.choice(["wrong", 5, True, None, [1], {"a": 1}])
        if kind in ("date", "timestamp"):
            return chance.choice([self.moment_text, lambda: int(self.instant().timestamp() * 1000)])()
        return self.int() if kind == "number" and chance.random() < 0.7 else Decimal("2.5") if kind == "number" else self.text()

    def props(self, table: Table):
        if self.chance.random() < 0.1:
            return MISSING
        found = {name: self.declared(kind) for name, kind in table.declared.items() if self.chance.random() < 0.75}
        # A column of that name hides it
        return found | ({next(name for name in table.columns if name not in table.hidden): 99} if self.chance.random() < 0.2 else {})

    def related(self, name: str, owner, number: int) -> dict:
        """A row of a relation that belongs to a contact; `number` makes its key another than those of other rows."""
        table = RELATIONS[name]
        given = {table.contact: owner}
        if owner is not MISSING and name in ("visits", "mails"):
            # Capitals are another text, also of an uuid.
            given[table.contact] = str(owner).upper() if self.chance.random() < 0.05 else str(owner)
        if name == "orders":
            given["number"] = number * 7919 % 100_003
        elif name == "visits":
            given |= {"page": self.text(), "nth": number}
        elif name == "tickets":
            given["ticket"] = str(uuid.UUID(int=self.chance.getrandbits(128)))
        return self.row(table, **given)

    def row(self, table: Table, **given) -> dict:
        row = {}
        for name, sql in table.columns.items():
            if name in given:
                row[name] = given[name]
            elif name == "props":
                row[name] = self.props(table)
            elif name == "name":
                row[name] = self.chance.choice(NAMES)
            else:
                row[name] = MISSING if self.chance.random() < 0.15 else self.of(sql)
        return row


def generate(chance: random.Random, now: datetime, people: int, id_type: str, has_infinity: bool) -> Data:
    values = Values(chance, now, has_infinity)
    id_of = IDS[id_type]
    persons = [values.row(PEOPLE, id=id_of(number), tenant=1 if chance.random() < 0.9 else 2) for number in range(1, people + 1)]
    rows: dict[str, list[dict]] = {name: [] for name in RELATIONS}
    counts = [0, 0, 1, 1, 2, 3, 5, 8, 13, 50]
    # Rows of contacts that there are, of one that there is not, and of none
    owners = [*(person["id"] for person in persons), *[id_of(people + 7), MISSING] * 2]
    for owner in owners:
        for name in RELATIONS:
            for _ in range(chance.choice(counts)):
                rows[name].append(values.related(name, owner, len(rows[name])))
                if name in ("events", "mails") and chance.random() < 0.1:
                    rows[name].append(dict(rows[name][-1]))
    return Data(id_type, persons, rows)


def copied(value, sql: str) -> str | None:
    """A value as the text that COPY takes."""
    if value is MISSING:
        return None
    if sql == "jsonb":
        return to_json(value)
    if isinstance(value, list):
        return "{" + ",".join("NULL" if item is None else quoted(str(item)) for item in value) + "}"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f") + ("+00" if sql == "timestamptz" else "")
    return str(value)


def loaded(text: str | None, sql: str):
    """A value from what to_jsonb() makes of it."""
    if text is None:
        return MISSING
    value = json.loads(text, parse_float=Decimal)
    if sql in ("numeric", "float8", "float4"):
        return Decimal(str(value))
    if sql == "date":
        return date.fromisoformat(value)
    if sql in ("timestamp", "timestamptz"):
        moment = datetime.fromisoformat(value)
        return moment.astimezone(dates.UTC) if moment.tzinfo else moment.replace(tzinfo=dates.UTC)
    return value


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def to_json(value) -> str:
    """JSON with exact numbers; a NaN is a string, as to_jsonb() has it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {to_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(to_json, value)) + "]"
    if isinstance(value, Decimal):
        return '"NaN"' if value.is_nan() else str(value)
    if isinstance(value, datetime):
        return json.dumps(value.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    if isinstance(value, date):
        return json.dumps(value.isoformat())
    return json.dumps(value, ensure_ascii=False)
