"""Random statements that change contacts and their rows, after each of which live counts, entries and exits have to be right."""

import random
from collections.abc import Iterator

from data import IDS, PEOPLE, RELATIONS, STORED, Data, Values, copied
from values import MISSING

WRITTEN = {"people": PEOPLE} | RELATIONS


class Statements:
    """Random statements, as lists that are executed in one transaction."""

    def __init__(self, chance: random.Random, data: Data, values: Values):
        self.chance, self.data, self.values = chance, data, values
        # Keys of new rows
        self.numbers = iter(range(100_000, 10**9))

    def transaction(self) -> list[str]:
        chance = self.chance
        one = [self.statement()]
        kind = chance.randrange(10)
        if kind < 6:
            return one
        if kind == 6:
            return [*one, self.statement()]
        if kind == 7:
            return [*one, "SAVEPOINT s", self.statement(), "ROLLBACK TO s", self.statement()]
        if kind == 8:
            return [*one, self.statement(), "ROLLBACK"]
        return ["SAVEPOINT s", *one, "RELEASE s", self.statement()]

    def statement(self) -> str:
        chance = self.chance
        name = chance.choice(["people", "people", *RELATIONS, "orders", "events"])
        kind = chance.randrange(20)
        if kind < 5:
            return self.insert(name)
        if kind < 11:
            return f"UPDATE {self.stored(name)} t SET {self.change(name)} WHERE {self.some(name)}"
        if kind < 14:
            return f"DELETE FROM {self.stored(name)} t WHERE {self.some(name)}"
        if kind < 16 and name != "people":
            return f"UPDATE {self.stored(name)} t SET {self.moved(name)} WHERE {self.some(name)}"
        if kind == 16:
            return self.merge()
        if kind == 17:
            return chance.choice([self.again(), f"TRUNCATE {self.stored(chance.choice(list(RELATIONS)))}"])
        if kind == 18:
            return chance.choice(["ALTER TABLE visits DETACH PARTITION visits_1; UPDATE visits_1 SET length = 5; "
                                  "ALTER TABLE visits ATTACH PARTITION visits_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
                                  "UPDATE visits t SET page = page || 'x' WHERE nth % 3 = 0"])
        return f"UPDATE people t SET id = {self.sql(self.new_id(), self.id_type)} WHERE {self.some('people')} AND id = {self.sql(self.old_id(), self.id_type)}"

    @property
    def id_type(self) -> str:
        return self.data.id_type

    def new_id(self):
        return IDS[self.id_type](next(self.numbers) - 99_900)

    def old_id(self):
        return self.chance.choice(self.data.people)["id"]

    def stored(self, name: str) -> str:
        return STORED.get(name, name)

    def sql(self, value, kind: str) -> str:
        text = copied(value, kind)
        return "NULL" if text is None else "'" + text.replace("'", "''") + f"'::{kind}"

    def some(self, name: str) -> str:
        """A part of a table's rows, or of those of one contact."""
        part = f"abs(hashtext(t::text)) % {self.chance.choice([2, 3, 5, 20] if name == 'people' else [1, 2, 5, 20])} = 0"
        if name == "people" or self.chance.random() < 0.6:
            return part
        return f"t.{WRITTEN[name].contact}::text = {self.sql(str(self.old_id()), 'text')}"

    def changed(self, name: str) -> list[str]:
        """Columns that an UPDATE may set to any value."""
        table = WRITTEN[name]
        return [column for column in table.columns if column not in (*table.key, table.contact, "id")]

    def change(self, name: str) -> str:
        table = WRITTEN[name]
        row = self.values.row(table, **{table.contact: MISSING} if table.contact else {"id": MISSING})
        changed = self.changed(name)
        columns = self.chance.sample(changed, min(len(changed), self.chance.choice([1, 1, 2, 3])))
        settings = [f'"{column}" = {self.setting(name, column, row[column])}' for column in columns]
        return ", ".join(settings)

    def setting(self, name: str, column: str, value) -> str:
        if column == "tenant":
            return self.chance.choice(["1", "2", "NULL", "3 - tenant"])
        return self.sql(value, WRITTEN[name].columns[column])

    def moved(self, name: str) -> str:
        """To another contact, to one that does not exist, or to nobody."""
        contact = WRITTEN[name].contact
        owner = self.chance.choice([self.old_id(), self.old_id(), self.new_id(), MISSING])
        return f"{contact} = {self.of_contact(name, owner)}"

    def of_contact(self, name: str, owner) -> str:
        if owner is MISSING:
            return "NULL"
        return self.sql(owner, "text" if name in ("visits", "mails") else self.id_type)

    def row(self, name: str) -> Iterator[tuple[str, str]]:
        table, number = WRITTEN[name], next(self.numbers)
        owner = self.chance.choice([self.old_id(), self.old_id(), self.old_id(), MISSING])
        if name == "people":
            row = self.values.row(table, id=IDS[self.id_type](number - 99_900), tenant=self.chance.choice([1, 1, 1, 2]))
        else:
            row = self.values.related(name, owner, number)
        for column, value in row.items():
            if column == table.contact:
                yield column, self.of_contact(name, value)
            elif (name, column) == ("orders", "number"):
                yield column, str(number)
            else:
                yield column, self.sql(value, self.id_type if (name, column) == ("people", "id") else table.columns[column])

    def insert(self, name: str, count: int | None = None) -> str:
        rows = [dict(self.row(name)) for _ in range(count or self.chance.choice([1, 1, 2, 10]))]
        columns = ", ".join(f'"{column}"' for column in rows[0])
        return f"INSERT INTO {self.stored(name)} ({columns}) VALUES " + ", ".join(f"({', '.join(row.values())})" for row in rows)

    def again(self) -> str:
        """Rows that are there are changed by an INSERT."""
        return (f"INSERT INTO orders AS o (number, person, total) SELECT number, person, total FROM orders t WHERE {self.some('orders')} "
                f"ON CONFLICT (number) DO UPDATE SET {self.change('orders')}")

    def merge(self) -> str:
        return (f"MERGE INTO orders t USING (SELECT number, person, hashtext(t::text) % 4 AS part FROM orders t WHERE {self.some('orders')}) s "
                f"ON t.number = s.number + (s.part % 2) * 1000000 WHEN MATCHED AND s.part = 0 THEN DELETE "
                f"WHEN MATCHED THEN UPDATE SET {self.change('orders')} "
                f"WHEN NOT MATCHED THEN INSERT (number, person, total) VALUES (s.number + 1000000, s.person, 7)")
