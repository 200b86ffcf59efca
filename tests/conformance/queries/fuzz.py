"""Random queries with in_segment(), in every place where a call may stand, beside the same queries with an oracle in its place.

    fuzz.py URL COUNT SEED        prints each query whose rows, or whose error, differ; ends with `N passed, N failed`
"""

import random
import sys
from collections import Counter

import psycopg

SEGMENTS = {
    "people": ["pro", "not pro", "news", "rare", "no news", "either", "nested", "recent", "all", "none", "dear", "none dear", "many", "few",
               "spent", "latest", "some or team", "dear or few", "many and pro"],
    "parts": ["high", "not US", "all", "nowhere", "bucket", "many", "few", "many or US"],
    "base": ["high", "not US", "all", "odd", "many", "few"],
}
# Each table with the audience that its ids are of
TABLES = [("people", "people")] * 6 + [("parts", "parts")] * 3 + [("parts_low", "parts"), ("parts_high", "parts"), ("parts_high_1", "parts")]
TABLES += [("base", "base"), ("ONLY base", "base"), ("child", "base"), ("orders", None), ("orders", None)]
TABLES += [("plain_@", "people"), ("barrier_@", "people"), ("checked_@", "people"), ("joined_@", None), ("notes_@", "people")]
SETTINGS = ["enable_hashjoin", "enable_mergejoin", "enable_nestloop", "enable_seqscan", "enable_indexscan", "enable_bitmapscan", "enable_memoize",
            "enable_hashagg", "enable_sort", "enable_material"]


class Relation:
    """What stands in FROM: its columns id, team and score are integers."""

    def __init__(self, alias: str, audience: str | None, columns: tuple[str, ...] = ("id", "team", "score")):
        self.alias, self.audience, self.columns = alias, audience, columns


class Query:
    """The text of a random query; @ is the function."""

    def __init__(self, chance: random.Random):
        self.chance, self.names, self.parameters = chance, 0, []

    def name(self) -> str:
        self.names += 1
        return f"r{self.names}"

    def maybe(self, probability: float) -> bool:
        return self.chance.random() < probability

    def column(self, scope: list[Relation]) -> str:
        relation = self.chance.choice(scope)
        return f"{relation.alias}.{self.chance.choice(relation.columns)}"

    def segment(self, audience: str, scope: list[Relation], depth: int) -> str:
        chance = self.chance
        name = f"{audience} {chance.choice(SEGMENTS[audience])}"
        if self.maybe(0.8):
            return f"'{name}'"
        other = f"'{audience} {chance.choice(SEGMENTS[audience])}'"
        kind = chance.randrange(6)
        if kind == 0 and depth > 0:
            return f"CASE WHEN {self.condition(scope, depth - 1)} THEN '{name}' ELSE {other} END"
        if kind == 1:
            return chance.choice(["NULL::text", "NULL::uuid"])
        if kind == 2:
            self.parameters.append(name)
            return f"${len(self.parameters)}::text"
        if kind == 3:
            return f"(SELECT {other})"
        if kind == 4:
            return f"(SELECT segment FROM members m WHERE m.name = '{name}' LIMIT 1)"
        return f"lower('{name.upper()}')" if name.islower() else f"'{name}'"

    def call(self, scope: list[Relation], depth: int) -> str:
        chance = self.chance
        relation = chance.choice([r for r in scope if r.audience] or scope)
        audience = relation.audience or "people"
        contact = f"{relation.alias}.id"
        if self.maybe(0.2):
            casts = [f"{contact}::{type_name}" for type_name in ("text", "bigint", "oid", "varchar", "text::varchar")]
            others = [f"{contact} + 0", f"coalesce({contact}, 3)", f"nullif({contact}, 5)", self.column(scope), "7", "NULL::int", f"(SELECT {contact})"]
            contact = chance.choice(casts + others)
        if audience == "people" and self.maybe(0.05):
            return f"reads_@({contact}::int)"
        return f"@({contact}, {self.segment(audience, scope, depth)})"

    def condition(self, scope: list[Relation], depth: int) -> str:
        chance, c = self.chance, lambda: self.condition(scope, depth - 1)
        if depth <= 0 or self.maybe(0.3):
            return self.call(scope, 0) if self.maybe(0.75) else f"{self.column(scope)} {chance.choice(['<', '>', '=', '<>'])} {chance.randrange(12)}"
        kind = chance.randrange(14)
        if kind < 3:
            return f"({c()} AND {c()})"
        if kind < 5:
            return f"({c()} OR {c()})"
        if kind < 7:
            return f"NOT {c()}"
        if kind == 7:
            return f"(({c()}) {chance.choice(['IS NULL', 'IS NOT NULL', 'IS TRUE', 'IS NOT TRUE', 'IS FALSE', 'IS NOT FALSE'])})"
        if kind == 8:
            return f"CASE WHEN {c()} THEN {c()} ELSE {c()} END"
        if kind == 9:
            return f"coalesce({c()}, {chance.choice(['true', 'false'])})"
        if kind == 10:
            return f"(({c()}) {chance.choice(['=', '<>', 'IS DISTINCT FROM'])} ({c()}))"
        text, inner = self.source(depth - 1, scope)
        where = self.condition(inner + scope, depth - 1)
        link = f"{self.column(inner)} = {self.column(scope)}"
        if kind == 11:
            return f"{chance.choice(['', 'NOT '])}EXISTS (SELECT FROM {text} WHERE {link} AND {where})"
        if kind == 12:
            negation = chance.choice(["", "NOT "])
            return f"{self.column(scope)} {negation}IN (SELECT {self.column(inner)} FROM {text} WHERE {where})"
        return f"(SELECT bool_or({where}) FROM {text} WHERE {link})"

    def source(self, depth: int, lateral: list[Relation] = ()) -> tuple[str, list[Relation]]:
        chance, alias = self.chance, self.name()
        kind = chance.randrange(10) if depth > 0 else 0
        if kind < 5:
            table, audience = chance.choice(TABLES)
            columns = ("id", "amount", "person") if table == "orders" else ("id", "team", "score")
            return f"{table} {alias}", [Relation(alias, audience, columns)]
        if kind == 5:
            text, inner = self.source(depth - 1)
            first = inner[0]
            where = self.condition(inner, depth - 1)
            fence = chance.choice(["", "", " OFFSET 0"])
            columns = f"{first.alias}.id, {self.column(inner)} AS team, CASE WHEN {self.condition(inner, 1)} THEN 1 ELSE 0 END AS score"
            if self.maybe(0.2):
                columns = f"DISTINCT {columns}"
            return f"(SELECT {columns} FROM {text} WHERE {where}{fence}) {alias}", [Relation(alias, first.audience)]
        if kind == 6 and lateral:
            text, inner = self.source(depth - 1)
            where = self.condition([*inner, *lateral], depth - 1)
            outer = chance.choice(list(lateral))
            columns = f"{inner[0].alias}.id, {outer.alias}.id AS team, {self.column(inner)} AS score"
            return f"LATERAL (SELECT {columns} FROM {text} WHERE {where}) {alias}", [Relation(alias, inner[0].audience)]
        if kind == 7:
            halves = []
            audience = None
            for _ in range(2):
                text, inner = self.source(depth - 1)
                audience = inner[0].audience
                columns = f"{inner[0].alias}.id, {self.column(inner)} AS team, {self.column(inner)} AS score"
                halves.append(f"SELECT {columns} FROM {text} WHERE {self.condition(inner, depth - 1)}")
            operator = chance.choice(["UNION ALL", "UNION ALL", "UNION", "INTERSECT", "EXCEPT"])
            return f"({halves[0]} {operator} {halves[1]}) {alias}", [Relation(alias, audience)]
        if kind == 8:
            return f"readers_@({chance.randrange(5)}) {alias} (id)", [Relation(alias, "people", ("id",))]
        left, first = self.source(depth - 1)
        join = chance.choice(["JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN"])
        right, second = self.source(depth - 1, first if join in ("JOIN", "LEFT JOIN", "CROSS JOIN") else ())
        on = f"{self.column(first)} = {self.column(second)}"
        if join not in ("FULL JOIN", "CROSS JOIN") and self.maybe(0.6):
            on += f" {chance.choice(['AND', 'AND', 'OR'])} {self.condition(first + second, depth - 1)}"
        on = "" if join == "CROSS JOIN" else f" ON {on}"
        return f"({left} {join} {right}{on})", first + second

    def select(self, depth: int) -> str:
        chance = self.chance
        text, scope = self.source(depth)
        if self.maybe(0.15):
            more, others = self.source(0, scope)
            text, scope = f"{text}, {more}", scope + others
        where = f" WHERE {self.condition(scope, depth)}" if self.maybe(0.8) else ""
        kind = chance.randrange(8)
        c = lambda: self.condition(scope, 2)
        if kind < 3:
            columns = ", ".join([f"{r.alias}.id" for r in scope] + [c() for _ in range(chance.randrange(3))])
            lock = " FOR UPDATE OF " + scope[0].alias if kind == 0 and self.maybe(0.3) and "(" not in text else ""
            order = f" ORDER BY {c()}" if self.maybe(0.2) else ""
            return f"SELECT {columns} FROM {text}{where}{order}{lock}"
        if kind == 3:
            return f"SELECT count(*), count(*) FILTER (WHERE {c()}), bool_and({c()}), sum(CASE WHEN {c()} THEN 1 ELSE 0 END) FROM {text}{where}"
        if kind == 4:
            key = f"{chance.choice([r for r in scope if r.audience] or scope).alias}.id"
            relation = [Relation(key.split(".")[0], next(r.audience for r in scope if r.alias == key.split(".")[0]), ("id",))]
            having = f" HAVING {self.condition(relation, 1)}" if self.maybe(0.5) else ""
            grouping = chance.choice([key, key, f"ROLLUP ({key})", f"GROUPING SETS (({key}), ())", f"{key}, {self.call(relation, 0)}"])
            value = self.condition(relation, 1)
            return f"SELECT {key}, {value}, count(*) FILTER (WHERE {c()}) FROM {text}{where} GROUP BY {grouping}{having}"
        if kind == 5:
            return f"SELECT x, count(*) FROM (SELECT {c()} AS x FROM {text}{where}) g GROUP BY x"
        if kind == 6:
            return f"SELECT {scope[0].alias}.id, count(*) FILTER (WHERE {c()}) OVER (PARTITION BY {c()}) FROM {text}{where}"
        return f"SELECT DISTINCT {c()}, {self.column(scope)} FROM {text}{where}"

    def change(self, depth: int) -> str:
        chance = self.chance
        table, audience = chance.choice([("people", "people")] * 2 + [("parts", "parts"), ("parts_low", "parts"), ("base", "base")]
                                        + [("checked_@", "people"), ("plain_@", "people")])
        target = Relation("t", audience)
        text, others = self.source(depth)
        both = [target, *others]
        kind = chance.randrange(7)
        # Other statements return new rows, of which the oracle knows nothing.
        returning = f" RETURNING t.id, t.team, t.score{', ' + self.condition([target], 1) if kind == 2 else ''}" if self.maybe(0.6) else ""
        if kind == 0:
            return f"UPDATE {table} t SET team = CASE WHEN {self.condition([target], 1)} THEN 1 ELSE 2 END WHERE {self.condition([target], depth)}{returning}"
        if kind == 1:
            # One row of the source for each of the target, or which one is used would be undetermined
            return (f"UPDATE {table} t SET score = s.n FROM (SELECT {others[0].alias}.id, count(*) FILTER (WHERE {self.condition(others, 1)}) AS n FROM {text}"
                    f" GROUP BY 1) s WHERE s.id = t.id AND {self.condition([target, Relation('s', others[0].audience, ('id',))], depth)}{returning}")
        if kind == 2:
            return f"DELETE FROM {table} t WHERE {self.condition([target], depth)}{returning}"
        if kind == 3:
            return f"DELETE FROM {table} t USING {text} WHERE {self.condition(both, depth)}{' RETURNING t.id' if returning else ''}"
        if kind == 4:
            people, excluded = Relation("t", "people"), Relation("excluded", "people")
            return (f"INSERT INTO people AS t (id, team, score) SELECT DISTINCT ON (1) {others[0].alias}.id, 1, 2 FROM {text}"
                    f" WHERE {others[0].alias}.id IS NOT NULL AND {self.condition(others, depth)}"
                    f" ON CONFLICT (id) DO UPDATE SET team = CASE WHEN {self.condition([people], 1)} THEN 8 ELSE 9 END"
                    f" WHERE {self.condition([people, excluded], 1)}"
                    + (" RETURNING t.id, t.team" if returning else ""))
        merged = chance.choice([("people", "people"), ("people", "people"), ("parts", "parts"), ("base", "base")])
        target = Relation("t", merged[1])
        first = f"{others[0].alias}.id"
        source = f"(SELECT {first}, min({first}) AS team, 3 AS score FROM {text} WHERE {self.condition(others, 1)} GROUP BY 1) s"
        both = [target, Relation("s", others[0].audience)]
        return (f"MERGE INTO {merged[0]} t USING {source} ON t.id = s.id"
                + (f" AND {self.condition(both, 1)}" if self.maybe(0.3) else "")
                + f" WHEN MATCHED AND {self.condition(both, 1)} THEN UPDATE SET team = CASE WHEN {self.condition(both, 1)} THEN 8 ELSE 9 END"
                + f" WHEN MATCHED AND {self.condition(both, 1)} THEN DELETE"
                + f" WHEN NOT MATCHED AND s.id > 100 AND {self.condition([both[1]], 1)} THEN INSERT (id, score) VALUES (s.id, 1)")

    def whole(self) -> str:
        kind = self.chance.randrange(12)
        depth = self.chance.choice([1, 2, 2, 3])
        if kind < 7:
            return self.select(depth)
        if kind == 7:
            text, scope = self.source(1)
            materialized = self.chance.choice(["", " MATERIALIZED", " NOT MATERIALIZED"])
            first = scope[0]
            inner = f"SELECT {first.alias}.id, {self.column(scope)} AS team, 1 AS score FROM {text} WHERE {self.condition(scope, 1)}"
            cte = Relation("w", first.audience)
            return f"WITH w AS{materialized} ({inner}) SELECT w.id, {self.condition([cte], 1)} FROM w WHERE {self.condition([cte], depth)}"
        if kind == 8:
            where, value = self.condition([Relation("t", "people")], 2), self.condition([Relation("c", "people")], 1)
            return f"WITH changed AS (UPDATE people t SET team = 1 WHERE {where} RETURNING *) SELECT c.id, {value} FROM changed c"
        return self.change(depth)


def run(connection: psycopg.Connection, function: str, text: str, query: Query, way: str, settings: list[str]):
    """The rows, or the error, and what the tables are afterwards."""
    values = [f"'{value}'" for value in query.parameters]
    for number, value in reversed(list(enumerate(values, 1))):
        if way == "direct":
            text = text.replace(f"${number}::text", value)
    text = text.replace("@", function)
    seen = []
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        try:
            for setting in settings:
                cursor.execute(f"SET LOCAL {setting}")
            if way == "direct":
                cursor.execute(text)
                seen.append(rows(cursor))
            elif way == "function":
                cursor.execute(f"CREATE FUNCTION pg_temp.f({', '.join('text' for _ in values)}) RETURNS SETOF text LANGUAGE plpgsql AS $f$"
                               f"DECLARE r record; BEGIN FOR r IN {text} LOOP RETURN NEXT r::text; END LOOP; END $f$")
                for _ in range(2):
                    cursor.execute(f"SELECT * FROM pg_temp.f({', '.join(values)})")
                    seen.append(rows(cursor))
            else:
                cursor.execute(f"SET LOCAL plan_cache_mode = {way}")
                cursor.execute(f"PREPARE p{'(' + ', '.join('text' for _ in values) + ')' if values else ''} AS {text}")
                for _ in range(2 if text.startswith("SELECT") else 1):
                    cursor.execute(f"EXECUTE p{'(' + ', '.join(values) + ')' if values else ''}")
                    seen.append(rows(cursor))
            for table in ("people", "parts", "base"):
                cursor.execute(f"SELECT md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM {table} t")
                seen.append(cursor.fetchall())
        except psycopg.Error as error:
            if error.sqlstate is None or error.sqlstate.startswith(("XX", "57P", "08")):
                raise
            seen = [error.sqlstate, str(error).split("\n")[0] if error.sqlstate not in ("42P01",) else ""]
        finally:
            if not connection.closed:
                cursor.execute("ROLLBACK")
                cursor.execute("DEALLOCATE ALL")
    return seen


def rows(cursor: psycopg.Cursor) -> list:
    return sorted(map(repr, cursor.fetchall())) if cursor.description else [cursor.rowcount]


def main() -> None:
    url, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    passed, failed, outcomes = 0, 0, Counter()
    connection = psycopg.connect(url, autocommit=True, prepare_threshold=None)
    connection.execute("SET client_min_messages = error")
    parallel = "debug_parallel_query" if connection.info.server_version >= 160000 else "force_parallel_mode"
    for number in range(count):
        chance = random.Random(f"{seed} {number}")
        query = Query(chance)
        text = query.whole()
        returns = text.startswith("SELECT")
        way = chance.choice(["direct", "direct", "direct", "force_custom_plan", "force_generic_plan", "function" if returns else "direct"])
        settings = [f"{name} = off" for name in SETTINGS if chance.random() < 0.1]
        settings += chance.choice([[], [], [], ["role = fuzzer"], ["join_collapse_limit = 1"], ["constraint_exclusion = on"], ["work_mem = '64kB'"],
                                   [f"{parallel} = regress"], ["enable_partitionwise_join = on", "enable_partitionwise_aggregate = on"]])
        settings.append("statement_timeout = '20s'")
        try:
            results = [run(connection, function, text, query, way, settings) for function in ("in_oracle", "in_segment")]
        except psycopg.Error as error:
            results = [str(error), None]
            if connection.closed:
                connection = psycopg.connect(url, autocommit=True, prepare_threshold=None)
        if any(result and result[0] == "57014" for result in results):
            outcomes["too slow"] += 1
            continue
        results = [repr(result).replace("in_segment", "in_oracle") for result in results]
        outcomes[results[0][:60] if results[0][1:2] == "'" else "rows"] += 1
        if results[0] == results[1]:
            passed += 1
        else:
            failed += 1
            print(f"{seed} {number}, {way}, {settings}:\n    {text.replace('@', 'in_segment')}", flush=True)
            print(f"    {query.parameters}\n    {results[0][:300]}\n    {results[1][:300]}", flush=True)
    print(dict(outcomes))
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
