"""What writers of events pay for live counts of segments that read them, and writers of contacts beside.

Two tables of contacts have the same rows and a table of events each, with a primary key, a foreign key and an index on it. They take turns; fifty of
the thousand segments of one of them read events.
"""

import json
from collections.abc import Callable, Iterator

import segmented
from figures import Bench, Figure
from live import ROWS, SEGMENTS, taking_turns

BARE, LIVE = "bare_contacts", segmented.AUDIENCE
KINDS = ["viewed", "clicked", "opened", "signed up", "bought", "returned", "called", "wrote", "left", "came back"]
READING = 5 * len(KINDS)
GROUP = f"Writers of events of an audience with {SEGMENTS:,} live segments, of which {READING} read events, beside writers without any"

EVENTS = """
CREATE TABLE {events} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, contact_id bigint NOT NULL REFERENCES {contacts} ON DELETE CASCADE,
                       name text NOT NULL, value numeric, at timestamptz NOT NULL);
INSERT INTO {events} (contact_id, name, value, at)
SELECT id, (ARRAY{kinds})[1 + (id * 7 + n * 3) % {many}], (id + n) % 100, timestamptz '2024-01-01' + n * interval '1 day' + id * interval '1 second'
  FROM {contacts}, generate_series(1, 5) n;
CREATE INDEX ON {events} (contact_id);
"""


def figures(bench: Bench) -> Iterator[Figure]:
    session = bench.session()
    session.connection.execute(f"DROP TABLE IF EXISTS {BARE} CASCADE")
    segmented.make(session)
    session.connection.execute(f"DELETE FROM {LIVE} WHERE id > {ROWS}")
    session.connection.execute(f"CREATE TABLE {BARE} (LIKE {LIVE} INCLUDING ALL)")
    session.connection.execute(f"INSERT INTO {BARE} TABLE {LIVE}")
    for contacts in (BARE, LIVE):
        for statement in EVENTS.format(events=events_of(contacts), contacts=contacts, kinds=KINDS, many=len(KINDS)).split(";\n"):
            if statement.strip():
                session.connection.execute(statement)
    segmented.fill(session, SEGMENTS - READING)
    session.value("SELECT attach_relation('events', %s::regclass, 'contact_id', %s, time_column => 'at')::text", (events_of(LIVE), LIVE))
    session.connection.execute(
        "INSERT INTO segments.segment_config (id, audience, name, conditions, time_zone)"
        " SELECT gen_random_uuid(), %s, 'events ' || n, c::segment_condition, 'UTC' FROM unnest(%s::text[]) WITH ORDINALITY u(c, n)",
        (LIVE, [json.dumps(condition) for kind in KINDS for condition in conditions(kind)]),
    )
    session.value("SELECT set_freshness(%s, 'live')::text", (LIVE,))
    for contacts in (BARE, LIVE):
        session.connection.execute(f"VACUUM (FULL, ANALYZE) {contacts}")
        session.connection.execute(f"VACUUM (FREEZE, ANALYZE) {contacts}, {events_of(contacts)}")
    yield from bulk(bench)
    yield from single_rows(bench)
    session.value("SELECT set_freshness(%s, 'periodic')::text", (LIVE,))
    session.connection.execute("SELECT detach_audience(name, true) FROM segments.audience WHERE name = %s", (LIVE,))
    session.connection.execute(f"DROP TABLE {events_of(BARE)}, {events_of(LIVE)}, {BARE}")
    segmented.drop(session)


def events_of(contacts: str) -> str:
    return f"{contacts}_events"


def conditions(kind: str) -> list[dict]:
    return [
        {"events": {"$some": {"name": kind}}},
        {"events": {"$filter": {"name": kind}, "$count": {"$gte": 3}}},
        {"country": "US", "events": {"$none": {"name": kind}}},
        {"events": {"$filter": {"name": kind}, "$sum": {"value": {"$gt": 120}}}},
        {"plan": {"$in": ["pro", "team"]}, "events": {"$last": {"name": kind}}},
    ]


def bulk(bench: Bench) -> Iterator[Figure]:
    session = bench.session()
    insert = (
        "INSERT INTO {events} (contact_id, name, value, at)"
        " SELECT 1 + n % 50000, (ARRAY{kinds})[1 + n % {many}], n % 100, timestamptz '2025-01-01' + n * interval '1 second'"
        " FROM generate_series(1, 100000) n"
    )
    update = (
        "UPDATE {contacts} SET properties = properties || jsonb_build_object('orders', id % 40, 'visits', id % 977,"
        " 'plan', (ARRAY['free', 'pro', 'team'])[1 + id % 3])"
    )
    for what, statement in (("INSERT of 100,000 events of 50,000 contacts", insert), (f"UPDATE of {ROWS:,} contacts", update)):

        def run(contacts: str, statement: str = statement) -> Callable[[], float]:
            def seconds() -> float:
                session.connection.execute("BEGIN")
                began = session.seconds()
                session.connection.execute(statement.format(contacts=contacts, events=events_of(contacts), kinds=KINDS, many=len(KINDS)))
                taken = session.seconds() - began
                session.connection.execute("ROLLBACK")
                session.connection.execute(f"VACUUM {contacts}, {events_of(contacts)}")
                return taken

            return seconds

        taken = bench.medians({contacts: run(contacts) for contacts in (BARE, LIVE)})
        yield Figure(GROUP, f"{what}, without", 1000 * taken[BARE], "ms")
        yield Figure(GROUP, f"{what}, of that without", taken[LIVE] / taken[BARE], at_most=4)


def single_rows(bench: Bench) -> Iterator[Figure]:
    """Transactions of one event each, fsync on."""
    tables = [BARE, LIVE, events_of(BARE), events_of(LIVE)]
    rate, latency = taking_turns(bench, {contacts: insert_of_one(bench, contacts) for contacts in (BARE, LIVE)}, tables)
    yield Figure(GROUP, "INSERT of one event, without", latency[BARE], "ms")
    yield Figure(GROUP, "INSERT of one event, of that without", latency[LIVE] / latency[BARE], at_most=2)
    yield Figure(GROUP, "8 writers, without", rate[BARE, 8], "transactions a second")
    yield Figure(GROUP, "8 writers, of those without", rate[LIVE, 8] / rate[BARE, 8], at_least=0.65)


def insert_of_one(bench: Bench, contacts: str) -> str:
    return (
        f"\\set id random(1, {min(ROWS, bench.size)})\n\\set n random(0, 99)\n"
        f"INSERT INTO {events_of(contacts)} (contact_id, name, value, at) VALUES (:id, (ARRAY{KINDS})[1 + :n % {len(KINDS)}], :n, now());\n"
    )
