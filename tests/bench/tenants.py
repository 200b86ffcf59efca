"""What ten thousand audiences over one table cost, beside ten: two tables with the same contacts take turns.

Every audience is based on one that has the table, and has a filter and a segment. Of one of every hundred, the counts are live.
"""

import os
from collections.abc import Callable, Iterator

from engines import Session
from figures import Bench, Figure

FEW = 10
MANY = int(os.environ.get("TENANTS", "10000"))
ROWS = 100_000
GROUP = f"{MANY:,} audiences over one table, beside {FEW}"

TABLES = {"tenants_few": FEW, "tenants_many": MANY}


def figures(bench: Bench) -> Iterator[Figure]:
    session = bench.session()
    drop(session)
    for table, audiences in TABLES.items():
        make(session, table, min(ROWS, bench.size), audiences)
    for name, way in (
        ("declaring a property", declare),
        ("a row updated", update),
        ("a row inserted and deleted", insert),
        ("ALTER TABLE ADD COLUMN", alter),
        ("refresh_segments of one audience", refresh_one),
        ("a session's first count", lambda session, table: first_count(bench, table)),
    ):
        taken = bench.medians({table: lambda way=way, table=table: way(session, table) for table in TABLES})
        yield Figure(GROUP, name, 1000 * taken["tenants_many"], "ms")
        yield Figure(GROUP, f"{name}: ratio", taken["tenants_many"] / taken["tenants_few"], at_most=2)
    taken = bench.medians({"one": lambda: refresh_one(session, "tenants_many"), "all": lambda: refresh_due(session, "tenants_many")})
    yield Figure(GROUP, "a round of the worker, all of them due", 1000 * taken["all"], "ms")
    yield Figure(GROUP, "a round of the worker: times as fast as one by one", MANY * taken["one"] / taken["all"], at_least=10)
    drop(session)


def make(session: Session, table: str, rows: int, audiences: int) -> None:
    """The contacts belong to as many tenants in both tables, so that the rows are the same."""
    run = session.connection.execute
    run(f"CREATE TABLE {table} (id bigint PRIMARY KEY, org_id int NOT NULL, properties jsonb NOT NULL)")
    run(
        f"INSERT INTO {table} SELECT n, n %% {MANY}, jsonb_build_object('plan', (ARRAY['free', 'pro', 'team'])[1 + n %% 3], 'visits', n %% 977)"
        " FROM generate_series(1, %s) n",
        (rows,),
    )
    run(f"CREATE INDEX ON {table} (org_id)")
    run(f"VACUUM (FREEZE, ANALYZE) {table}")
    run("SELECT attach_audience(%s, %s::regclass, properties_column => 'properties')", (table, table))
    run("SELECT create_property('plan', 'string', %s), create_property('visits', 'number', %s)", (table, table))
    run(
        "SELECT attach_audience(%s || ' ' || n, based_on => %s, scope => jsonb_build_object('org_id', n)) FROM generate_series(0, %s - 1) n",
        (table, table, audiences),
    )
    run(
        "INSERT INTO segments.segment_config (id, audience, name, conditions)"
        " SELECT gen_random_uuid(), a.name, 'Pro', '{\"plan\": \"pro\"}' FROM segments.audience a WHERE a.based_on = %s",
        (table,),
    )
    run("SELECT count(*) FROM segments.refresh_due()")
    run("SELECT set_freshness(name, 'live') FROM segments.audience WHERE based_on = %s AND name LIKE '%%0'"
        " ORDER BY name LIMIT greatest(1, %s / 100)", (table, audiences))
    run("ANALYZE segments.audience_config, segments.segment_config, segments.segment_count, segments.table_config")


def drop(session: Session) -> None:
    for table in TABLES:
        session.connection.execute("SELECT detach_audience(name, true) FROM segments.audience WHERE name = %s", (table,))
        session.connection.execute(f"DROP TABLE IF EXISTS {table}")


def timed(session: Session, statement: str) -> float:
    """The seconds of a statement, in a transaction that is rolled back."""
    session.connection.execute("BEGIN")
    began = session.seconds()
    session.connection.execute(statement)
    taken = session.seconds() - began
    session.connection.execute("ROLLBACK")
    return taken


def declare(session: Session, table: str) -> float:
    return timed(session, f"SELECT create_property('referrer', 'string', '{table}')")


def alter(session: Session, table: str) -> float:
    return timed(session, f"ALTER TABLE {table} ADD COLUMN note text")


def repeated(session: Session, statement: Callable[[int], str], times: int = 200) -> float:
    """The mean, in a session that has compiled what it needs."""
    session.connection.execute(statement(0))
    began = session.seconds()
    for number in range(1, times + 1):
        session.connection.execute(statement(number))
    return (session.seconds() - began) / times


def update(session: Session, table: str) -> float:
    return repeated(session, lambda n: f"""UPDATE {table} SET properties = properties || '{{"visits": {n}, "plan": "pro"}}' WHERE id = {1 + n}""")


def insert(session: Session, table: str) -> float:
    return repeated(
        session,
        # The first one deletes what the round before has left.
        lambda n: f"""WITH gone AS (DELETE FROM {table} WHERE id {f"= {-n}" if n else "< 0"}) INSERT INTO {table} VALUES ({-n - 1}, {n % FEW}, '{{"plan": "pro"}}')""",
    )


def refresh_one(session: Session, table: str) -> float:
    return session.count("SELECT count(*) FROM refresh_segments(%s)", (f"{table} 7",))[1]


def first_count(bench: Bench, table: str) -> float:
    fresh = bench.session()
    fresh.value("SELECT 1")
    taken = fresh.count("SELECT count_contacts(%s, %s)", ('{"plan": "pro"}', f"{table} 7"))[1]
    fresh.connection.close()
    return taken


def refresh_due(session: Session, table: str) -> float:
    """Only this table's segments are due."""
    session.connection.execute(
        "UPDATE segments.segment_count c SET counted_at = CASE WHEN a.source = %s THEN '2000-01-01' ELSE now() END"
        "  FROM segments.segment_config s JOIN segments.audience_config a ON a.name = s.audience WHERE s.id = c.segment",
        (table,),
    )
    began = session.seconds()
    session.value("SELECT segments.refresh_due()")
    return session.seconds() - began
