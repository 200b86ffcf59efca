"""Random contacts with rows in five relations, and random conditions on them: every way of asking a server has to find the
contacts that the evaluator finds.

    compare.py URL PAIRS SEED CONTACTS     a pair is a contact and a condition; prints each difference, made small, and ends with
                                           `N passed, N failed`

Each batch has so many contacts in one of four databases, which differ in the type of the contacts' ids. Batch 7 of seed 5 is reproduced
alone by the seed `5 7` and as many contacts.
"""

import json
import random
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import datetime

import dates
import psycopg
from checked import checked
from conditions import Conditions
from data import IDS, ORDERS, PEOPLE, RELATIONS, STORED, TYPES, ZONES, Data, Values, belongs, copied, generate, loaded, to_json
from embedded import embedded
from evaluate import Evaluator
from live import Statements
from psycopg.conninfo import make_conninfo
from shrink import shrink
from values import Scope

CONDITIONS = 40
# After a part of the batches, so many transactions change what is stored while counts are live.
LIVE, TRANSACTIONS = 0.3, 8
SHOWN = 10
# Where more conditions than this are refused, what is generated no longer fits what is accepted.
REFUSED = 0.02
TABLES = {"people": PEOPLE} | RELATIONS
AUDIENCE = Scope(TYPES, ORDERS)
STYLES = ["ISO, MDY", "ISO, DMY", "German", "SQL, DMY"]

# A condition, and the zone of its dates
Asked = tuple[dict, str]
# With these, a refresh counts any other one in a pass.
MANY: dict[str, Asked] = {str(1000 + number): ({"orders": {"$count": number}}, "UTC") for number in range(21)}


class Server:
    """One of the databases."""

    def __init__(self, url: str, id_type: str):
        self.id_type = id_type
        self.connection = psycopg.connect(make_conninfo(url, dbname=f"ids_{id_type}"), autocommit=True, prepare_threshold=None)
        self.connection.execute("SET client_min_messages = error; SET jit = off")
        self.memory = "4MB"

    def become(self, chance: random.Random) -> None:
        """Takes settings of sessions on which no answer depends."""
        self.connection.execute(f"SET TimeZone = '{chance.choice(ZONES)}'; SET DateStyle = '{chance.choice(STYLES)}'")
        self.memory = chance.choice(["64kB", "4MB"])

    def declare(self) -> None:
        """The properties of both audiences that are no columns."""
        keys = {name: kind for name, kind in PEOPLE.declared.items()}
        keys |= {f"{relation}.{name}": kind for relation, table in RELATIONS.items() for name, kind in table.declared.items()}
        for audience, types in (("people", keys), ("documents", dict.fromkeys(RELATIONS, "json") | TYPES)):
            for name, kind in types.items():
                is_new = "NOT EXISTS (SELECT FROM segments.property p WHERE p.name = %(name)s AND p.audience = %(audience)s)"
                arguments = {"name": name, "kind": kind, "audience": audience}
                self.connection.execute(f"SELECT create_property(%(name)s, %(kind)s, %(audience)s) WHERE {is_new}", arguments)

    def store(self, data: Data) -> None:
        """The contacts and their rows, and no others."""
        cursor = self.connection.cursor()
        tables = {STORED.get(name, name): table for name, table in TABLES.items()}
        cursor.execute(f"TRUNCATE {', '.join(tables)}, documents, asked")
        for (name, table), rows in zip(tables.items(), [data.people, *data.rows.values()]):
            columns = ", ".join(f'"{column}"' for column in table.columns)
            with cursor.copy(f"COPY {name} ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row([copied(row[column], sql) for column, sql in table.columns.items()])
        cursor.execute(f"ANALYZE {', '.join(tables)}")

    def answers(self, data: Data, asked: dict[str, Asked]) -> tuple[dict[str, dict[str, str]], dict[str, set[str]]]:
        """What each way says of each condition, and what the evaluator says."""
        contacts = data.contacts()
        with self.connection.transaction(), self.connection.cursor() as cursor:
            now = loaded(cursor.execute("SELECT to_jsonb(now())::text").fetchone()[0], "timestamptz")
            self.store(data)
            without = lambda contact: {name: value for name, value in contact.items() if name not in PEOPLE.hidden}
            documents = {number: to_json(without(contact)) for number, contact in contacts.items()}
            with_documents = "Infinity" not in "".join(documents.values())
            with cursor.copy("COPY documents FROM STDIN") as copy:
                for number, document in documents.items() if with_documents else ():
                    copy.write_row([number, document])
            cursor.execute("ANALYZE documents")
            texts = {name: to_json(condition) for name, (condition, _) in asked.items()}
            forms = checked({name: (texts[name], zone) for name, (_, zone) in asked.items()}, now) if with_documents else {}
            with cursor.copy("COPY asked FROM STDIN") as copy:
                for name, (condition, zone) in asked.items():
                    arrays = to_json(embedded(condition)) if with_documents and "$segment" not in texts[name] else None
                    copy.write_row([name, texts[name], arrays, forms.get(name), zone])
            found: dict[str, dict[str, str]] = {name: {} for name in asked}
            for number, way, answer in cursor.execute("SELECT * FROM answers(%s)", [self.memory]):
                found[str(number)][way] = answer
        return found, evaluated(asked, asked, contacts, now)

    def load(self) -> Data:
        """The contacts and their rows that are stored now."""
        stored = []
        for name, table in TABLES.items():
            values = ", ".join(f'to_jsonb("{column}")::text' for column in table.columns)
            rows = self.connection.execute(f"SELECT {values} FROM {STORED.get(name, name)}").fetchall()
            read = lambda row: {column: loaded(text, sql) for (column, sql), text in zip(table.columns.items(), row)}
            stored.append([read(row) for row in rows])
        people, *related = stored
        return Data(self.id_type, people, dict(zip(RELATIONS, related)))

    def followed(self, asked: dict[str, Asked]) -> tuple[int, list[str]]:
        """Compares the members of live segments with what the evaluator says: how many pairs there were, and what was wrong."""
        query = "SELECT s.name, to_json(k.members)::text FROM known k JOIN segments.segment s ON s.id = k.segment"
        live = {name: members(answer) for name, answer in self.connection.execute(query)}
        contacts = self.load().contacts()
        expected = evaluated(live, asked, contacts, datetime.now(dates.UTC))
        wrong = [f"segment {name}: has {sorted(live[name] - ids)}, lacks {sorted(ids - live[name])}"
                 for name, ids in expected.items() if ids != live[name]]
        return len(live) * len(contacts), wrong

    def follow(self, statements: Statements) -> tuple[int, list[str]]:
        """Executes transactions while counts are live. Returns how often a segment was right after one, and what was wrong."""
        self.connection.execute("SELECT follow()")
        compared, wrong, executed = 0, [], []
        for _ in range(TRANSACTIONS):
            transaction = statements.transaction()
            try:
                self.connection.execute("; ".join(["BEGIN", *transaction, "COMMIT"]))
            except (psycopg.errors.IntegrityError, psycopg.errors.CardinalityViolation):
                self.connection.execute("ROLLBACK")
                continue
            executed.append("; ".join(transaction))
            checks = self.connection.execute("SELECT * FROM followed()").fetchall()
            compared += len(checks)
            found = [f"segment {name}: {error}" for name, error in checks if error]
            if found:
                wrong += [*found, *(f"    {transaction}" for transaction in executed)]
                break
        return compared, wrong

    def stop(self) -> None:
        """Counts are not live any more."""
        self.connection.execute("SELECT set_freshness('people', 'periodic')")

    def disputed(self, data: Data, asked: dict[str, Asked]) -> list[str]:
        """The ways that differ from the evaluator on the last condition; none where there is nothing to compare."""
        last = list(asked)[-1]
        try:
            found, expected = self.answers(data, asked)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            return []
        return [] if "refused" in found[last] else differing(found[last], expected[last])


def evaluated(names: Iterable[str], asked: dict[str, Asked], contacts: dict[str, dict], now: datetime) -> dict[str, set[str]]:
    """Whom the evaluator finds for each of these conditions."""
    expected = {}
    for name in names:
        condition, zone = asked[name]
        evaluator = Evaluator(zone, now, asked)
        expected[name] = {number for number, contact in contacts.items() if evaluator.condition(condition, contact, AUDIENCE)}
    return expected


def differing(found: dict[str, str], expected: set[str]) -> list[str]:
    def agrees(answer: str) -> bool:
        return members(answer) == expected if answer.startswith("[") else answer == str(len(expected))

    return [way for way, answer in found.items() if not agrees(answer)]


def members(answer: str) -> set[str]:
    return set(json.loads(answer)) if answer.startswith("[") else set()


def named_by(condition: dict, asked: dict[str, Asked]) -> dict[str, Asked]:
    """The segments that a condition names, those that they name, and so on, in their order."""
    named: dict[str, Asked] = {}

    def visit(value) -> None:
        if isinstance(value, list):
            for item in value:
                visit(item)
        elif isinstance(value, dict):
            for key, item in value.items():
                visit(item)
                for name in names_in(item) if key == "$segment" else ():
                    visit(asked[name][0])
                    named[name] = asked[name]

    visit(condition)
    return named


def names_in(asked) -> list[str]:
    tests = asked.values() if isinstance(asked, dict) else [asked]
    return [name for test in tests for name in (test if isinstance(test, list) else [test])]


def only(data: Data, contact: str) -> Data:
    """That contact, and its rows."""
    people = [person for person in data.people if str(person["id"]) == contact]
    return Data(data.id_type, people, {name: [row for row in rows if belongs(row, people[0], RELATIONS[name])] for name, rows in data.rows.items()})


def told(found: dict[str, str], expected: set[str]) -> str:
    """What the ways say, those together that say the same."""
    groups: dict[str, list[str]] = {}
    for way in differing(found, expected):
        answer = found[way]
        if answer.startswith("["):
            answer = f"has {sorted(members(answer) - expected)}, lacks {sorted(expected - members(answer))}"
        groups.setdefault(answer, []).append(way)
    return "; ".join(f"{', '.join(ways)}: {answer}" for answer, ways in groups.items()) + f"; right is {len(expected)}"


def report(server: Server, data: Data, asked: dict[str, Asked], name: str, found: dict[str, str], expected: set[str], label: str) -> None:
    condition, zone = asked[name]
    print(f"{label}, ids of type {data.id_type}: {told(found, expected)}\n    {to_json(condition)} in {zone}", flush=True)
    others = named_by(condition, asked)
    for other, (named, there) in others.items():
        print(f"    segment {other}: {to_json(named)} in {there}")
    ways = differing(found, expected)
    beside = MANY if "refresh_segments" in ways else {}
    disputed = lambda data, one: server.disputed(data, others | beside | {name: one})
    candidates = set().union(*(members(found[way]) ^ expected for way in ways if found[way].startswith("[")))
    for contact in sorted(candidates or {str(person["id"]) for person in data.people})[:30]:
        alone, one = only(data, contact), asked[name]
        if disputed(alone, one):
            alone, one = shrink(alone, one, disputed)
            print(f"  smallest: {to_json(one[0])} in {one[1]}: {', '.join(disputed(alone, one))}")
            print(f"    {to_json(next(iter(alone.contacts().values()), {}))}", flush=True)
            return
    print("  no contact alone shows it", flush=True)


class Tally:
    def __init__(self):
        self.passed, self.failed, self.matched, self.answers, self.live, self.followed = 0, 0, 0, 0, 0, 0
        self.conditions: Counter[str] = Counter()
        self.refusals: dict[str, list[dict]] = {}

    def add(self, server: Server, data: Data, asked: dict[str, Asked], label: str) -> None:
        """Compares what all ways say of each contact and condition; a pair is right if they all are."""
        found, expected = server.answers(data, asked)
        contacts = sum(person["tenant"] == 1 for person in data.people)
        for name, (condition, _) in asked.items():
            ways, ids = found[name], expected[name]
            self.conditions["all"] += 1
            if "refused" in ways:
                if not any("refused" in found[other] for other in named_by(condition, asked)):
                    self.conditions["refused"] += 1
                    self.refusals.setdefault(ways["refused"], []).append(condition)
                continue
            self.matched += len(ids)
            self.answers += contacts * len(ways)
            self.conditions["hold for nobody" if not ids else "hold for all" if len(ids) == contacts else "hold for some"] += 1
            if not differing(ways, ids):
                self.passed += contacts
                continue
            self.passed, self.failed = self.passed + contacts - 1, self.failed + 1
            self.conditions["differ"] += 1
            if self.conditions["differ"] <= SHOWN:
                report(server, data, asked, name, ways, ids, f"{label} {name}")

    def follow(self, server: Server, statements: Statements, asked: dict[str, Asked], label: str) -> None:
        compared, wrong = server.follow(statements)
        self.live += compared
        if not wrong:
            pairs, wrong = server.followed(asked)
            self.passed += pairs
            self.followed += pairs
        server.stop()
        self.failed += bool(wrong)
        self.conditions["wrong when live"] += bool(wrong)
        if wrong and self.conditions["wrong when live"] <= SHOWN:
            print(f"{label}, ids of type {server.id_type}, live", *wrong, sep="\n  ", flush=True)
            for name in {line.split()[1].rstrip(":") for line in wrong if line.startswith("segment ")}:
                print(f"    segment {name}: {to_json(asked[name][0])} in {asked[name][1]}")

    @property
    def pairs(self) -> int:
        return self.passed + self.failed

    def report(self) -> None:
        share = 100 * self.matched / max(1, self.pairs - self.followed)
        print(f"{self.pairs} pairs with {self.answers} answers, of which {share:.0f} % match; conditions: {dict(self.conditions)}")
        print(f"{self.live} live counts, with entries and exits, after random transactions; {self.followed} of the pairs are of their members")
        for refusal, refused in self.refusals.items():
            print(f"    refused {len(refused)} times: {refusal}, such as {min(map(to_json, refused), key=len)}")


def main() -> None:
    url, pairs, seed, people = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    servers = {id_type: Server(url, id_type) for id_type in IDS}
    for server in servers.values():
        server.declare()
    seed, _, first = seed.partition(" ")
    tally, batch = Tally(), int(first or 0)
    while tally.pairs < pairs:
        label = f"{seed} {batch}"
        chance = random.Random(label)
        server = servers[chance.choice(list(IDS))]
        server.become(chance)
        data = generate(chance, datetime.now(dates.UTC), people, server.id_type, has_infinity=chance.random() < 0.25)
        generator = Conditions(chance, data)
        asked: dict[str, Asked] = {}
        for number in range(CONDITIONS):
            asked[str(number)] = (generator.whole(), chance.choice(ZONES))
            generator.segments.append(str(number))
        tally.add(server, data, asked, label)
        if chance.random() < LIVE:
            values = Values(chance, datetime.now(dates.UTC), has_infinity=False)
            tally.follow(server, Statements(chance, data, values), asked, label)
        batch += 1
        if batch % 50 == 0:
            print(f"    {tally.pairs} pairs, {tally.failed} differ", flush=True)
    tally.report()
    too_many = tally.conditions["refused"] > REFUSED * tally.conditions["all"]
    print(f"{tally.passed} passed, {tally.failed + too_many} failed")
    sys.exit(tally.failed + too_many > 0)


if __name__ == "__main__":
    main()
