"""Random contacts with rows in four relations, and random conditions on them: every way of asking a server has to find the
contacts that the evaluator finds.

    compare.py URL PAIRS SEED     a pair is a contact and a condition; prints each difference, made small, and ends with
                                  `N passed, N failed`
"""

import random
import sys
from collections import Counter
from datetime import datetime

import dates
import psycopg
from conditions import Conditions
from data import ORDERS, PEOPLE, RELATIONS, TYPES, ZONES, Data, belongs, copied, generate, to_json
from embedded import embedded
from evaluate import Evaluator
from shrink import shrink
from values import Scope

CONTACTS, CONDITIONS = 40, 40
SHOWN = 10
# Where more conditions than this are refused, what is generated no longer fits what is accepted.
REFUSED = 0.02
TABLES = {"people": PEOPLE} | RELATIONS
AUDIENCE = Scope(TYPES, ORDERS)

Asked = tuple[dict, str]


class Server:
    def __init__(self, url: str):
        self.connection = psycopg.connect(url, autocommit=True, prepare_threshold=None)
        self.connection.execute("SET client_min_messages = error; SET jit = off")

    def declare(self) -> None:
        """The properties of both audiences that are no columns."""
        keys = {name: kind for name, kind in PEOPLE.declared.items()}
        keys |= {f"{relation}.{name}": kind for relation, table in RELATIONS.items() for name, kind in table.declared.items()}
        for audience, types in (("people", keys), ("documents", dict.fromkeys(RELATIONS, "json") | TYPES)):
            for name, kind in types.items():
                self.connection.execute("SELECT create_property(%s, %s, %s)", (name, kind, audience))

    def answers(self, data: Data, asked: list[Asked]) -> tuple[list[dict[str, str]], list[set[int]]]:
        """What each way says of each condition, and what the evaluator says."""
        contacts = data.contacts()
        with self.connection.transaction(), self.connection.cursor() as cursor:
            now = cursor.execute("SELECT now()").fetchone()[0].astimezone(dates.UTC)
            cursor.execute(f"TRUNCATE {', '.join(TABLES)}, documents, asked")
            for name, table in TABLES.items():
                rows = data.people if name == "people" else data.rows[name]
                with cursor.copy(f"COPY {name} ({', '.join(table.columns)}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row([copied(row[column], sql) for column, sql in table.columns.items()])
            without = lambda contact: {name: value for name, value in contact.items() if name not in PEOPLE.hidden}
            documents = {number: to_json(without(contact)) for number, contact in contacts.items()}
            with_documents = "Infinity" not in "".join(documents.values())
            with cursor.copy("COPY documents FROM STDIN") as copy:
                for number, document in documents.items() if with_documents else ():
                    copy.write_row([number, document])
            with cursor.copy("COPY asked FROM STDIN") as copy:
                for number, (condition, zone) in enumerate(asked):
                    copy.write_row([number, to_json(condition), to_json(embedded(condition)) if with_documents else None, zone])
            cursor.execute(f"ANALYZE {', '.join(TABLES)}, documents")
            found: list[dict[str, str]] = [{} for _ in asked]
            for number, way, answer in cursor.execute("SELECT * FROM answers()"):
                found[number][way] = answer
        expected = []
        for condition, zone in asked:
            evaluator = Evaluator(zone, now)
            expected.append({number for number, contact in contacts.items() if evaluator.condition(condition, contact, AUDIENCE)})
        return found, expected

    def disputed(self, data: Data, asked: Asked) -> list[str]:
        """The ways that differ from the evaluator; none where there is nothing to compare."""
        try:
            found, expected = self.answers(data, [asked])
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            return []
        return [] if "refused" in found[0] else differing(found[0], expected[0])


def differing(found: dict[str, str], expected: set[int]) -> list[str]:
    def agrees(answer: str) -> bool:
        if answer.startswith("{"):
            return set(map(int, filter(None, answer[1:-1].split(",")))) == expected
        return answer == str(len(expected))

    return [way for way, answer in found.items() if not agrees(answer)]


def members(answer: str) -> set[int]:
    return set(map(int, filter(None, answer[1:-1].split(",")))) if answer.startswith("{") else set()


def only(data: Data, contact: int) -> Data:
    """That contact, and its rows."""
    people = [person for person in data.people if person["id"] == contact]
    return Data(people, {name: [row for row in rows if belongs(row, people[0], RELATIONS[name])] for name, rows in data.rows.items()})


def told(found: dict[str, str], expected: set[int]) -> str:
    """What the ways say, those together that say the same."""
    groups: dict[str, list[str]] = {}
    for way in differing(found, expected):
        answer = found[way]
        if answer.startswith("{"):
            answer = f"has {sorted(members(answer) - expected)}, lacks {sorted(expected - members(answer))}"
        groups.setdefault(answer, []).append(way)
    return "; ".join(f"{', '.join(ways)}: {answer}" for answer, ways in groups.items()) + f"; right is {len(expected)}"


def report(server: Server, data: Data, asked: Asked, found: dict[str, str], expected: set[int], label: str) -> None:
    print(f"{label}: {told(found, expected)}\n    {to_json(asked[0])} in {asked[1]}", flush=True)
    ways = differing(found, expected)
    candidates = set().union(*(members(found[way]) ^ expected for way in ways if found[way].startswith("{")))
    for contact in sorted(candidates or {person["id"] for person in data.people})[:30]:
        alone = only(data, contact)
        if server.disputed(alone, asked):
            alone, asked = shrink(alone, asked, server.disputed)
            print(f"  smallest: {to_json(asked[0])} in {asked[1]}: {', '.join(server.disputed(alone, asked))}")
            print(f"    {to_json(next(iter(alone.contacts().values()), {}))}", flush=True)
            return
    print("  no contact alone shows it", flush=True)


def main() -> None:
    url, pairs, seed = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    server = Server(url)
    server.declare()
    passed, failed, matched, conditions = 0, 0, 0, Counter()
    refusals: dict[str, list[dict]] = {}
    batch = 0
    while passed + failed < pairs:
        label = f"{seed} {batch}"
        chance = random.Random(label)
        data = generate(chance, datetime.now(dates.UTC), CONTACTS, has_infinity=chance.random() < 0.25)
        generator = Conditions(chance, data)
        asked = [(generator.whole(), chance.choice(ZONES)) for _ in range(CONDITIONS)]
        found, expected = server.answers(data, asked)
        for number, (one, ways, ids) in enumerate(zip(asked, found, expected)):
            conditions["all"] += 1
            if "refused" in ways:
                conditions["refused"] += 1
                refusals.setdefault(ways["refused"], []).append(one[0])
                continue
            contacts = len(data.contacts())
            matched += len(ids)
            conditions["hold for nobody" if not ids else "hold for all" if len(ids) == contacts else "hold for some"] += 1
            if not differing(ways, ids):
                passed += contacts
                continue
            passed, failed = passed + contacts - 1, failed + 1
            conditions["differ"] += 1
            if conditions["differ"] <= SHOWN:
                report(server, data, one, ways, ids, f"{label} {number}")
        batch += 1
        if batch % 50 == 0:
            print(f"    {passed + failed} pairs, {failed} differ", flush=True)
    print(f"{passed + failed} pairs, of which {100 * matched / max(1, passed + failed):.0f} % match; conditions: {dict(conditions)}")
    for refusal, refused in refusals.items():
        print(f"    refused {len(refused)} times: {refusal}, such as {to_json(min(refused, key=lambda condition: len(to_json(condition))))}")
    if conditions["refused"] > REFUSED * conditions["all"]:
        failed += 1
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
