"""What contacts did, in conditions: beside the fastest of several queries written by hand, alone and in other conditions, and a refresh of
many segments half of which ask for it."""

import json
import math
import random
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import psycopg
import segmented
from behaviour_cases import AROUND, BEHAVIOURS, Around, Behaviour, ByHand
from engines import Session
from figures import Bench, Figure
from refresh import peak_of

GROUP = "What contacts did, of the fastest query written by hand"
REFRESHING = "Refreshing, half of the segments with what contacts did"
SEGMENTS, SAMPLE = 1_000, 20
AUDIENCE = "buyers"
# How much slower than the fastest a query by hand may be, when each has been asked once, to be measured.
IN_REACH = 1.3
RECIPE = Path(__file__).with_name("behaviours.sql")
COUNT = "SELECT count_contacts(%s, %s)"
ONE_PASS = (
    "SELECT count(*) FROM (SELECT contact_id, count(*), sum(total) FROM orders GROUP BY contact_id) g",
    "SELECT count(*) FROM (SELECT contact_id, count(*), sum(id) FROM events GROUP BY contact_id) g",
)


def figures(bench: Bench) -> Iterator[Figure]:
    session = bench.session()
    make(bench, session)
    shares = []
    for around in AROUND:
        for behaviour in BEHAVIOURS:
            share, fastest, count = measure(bench, session, behaviour, around)
            shares.append(share)
            yield Figure(GROUP, f"{behaviour.name}, {around.name}: {count:,} contacts in {1000 * fastest:,.0f} ms by hand", share, at_most=1.1)
    yield Figure(GROUP, "all of them, geometric mean", math.exp(sum(map(math.log, shares)) / len(shares)))
    yield from refreshing(bench, session)
    session.connection.execute("SELECT detach_audience(%s, true)", (AUDIENCE,))


def make(bench: Bench, session: Session) -> None:
    """Orders and events, which are kept until their recipe changes, as relations of an audience."""
    recipe = f"{crc32(RECIPE.read_bytes())} {bench.size}"
    if session.value("SELECT coalesce(obj_description(to_regclass('events'), 'pg_class'), '')") != recipe:
        print(f"    making {bench.size * 25:,} orders and events", flush=True)
        session.connection.execute("DROP TABLE IF EXISTS orders, events")
        text = "\n".join(line for line in RECIPE.read_text().replace(":size", f"{bench.size}::bigint").splitlines() if not line.startswith("--"))
        for statement in filter(str.strip, text.split(";\n")):
            session.connection.execute(statement)
        session.connection.execute(f"COMMENT ON TABLE events IS '{recipe}'")
    session.connection.execute("SELECT attach_audience(%s, 'contacts', properties_column => 'properties')", (AUDIENCE,))
    session.connection.execute("SELECT create_property(name, type, %s) FROM segments.property WHERE audience = 'contacts' AND kind = 'custom'", (AUDIENCE,))
    for name, time in (("orders", "placed_at"), ("events", "at")):
        session.connection.execute("SELECT attach_relation(%s, %s, 'contact_id', %s, time_column => %s)", (name, name, AUDIENCE, time))


def measure(bench: Bench, session: Session, behaviour: Behaviour, around: Around) -> tuple[float, float, int]:
    """The share of the fastest query by hand, its seconds, and how many contacts both count."""
    condition = json.dumps(around.of(behaviour.condition))
    count, seconds = session.count(COUNT, (condition, AUDIENCE))
    taken: dict[str, float] = {}
    for query in (written(way, around) for way in behaviour.ways):
        # A way that takes much longer than the fastest need not end.
        limit = 4 * min([seconds + 1, *taken.values()]) + 1
        by_hand = in_time(session, query, limit)
        if by_hand and by_hand[0] != count:
            raise SystemExit(f'"{behaviour.name}, {around.name}": {count} are counted, and {by_hand[0]} by hand: {query}')
        if by_hand:
            taken[query] = by_hand[1]
    if not taken:
        raise SystemExit(f'"{behaviour.name}, {around.name}": no query by hand ended')
    in_reach = [query for query, seconds in taken.items() if seconds <= IN_REACH * min(taken.values())]
    ways = {query: lambda query=query: session.count(query)[1] for query in in_reach}
    medians = bench.medians({"ours": lambda: session.count(COUNT, (condition, AUDIENCE))[1]} | ways)
    fastest = min(medians[query] for query in in_reach)
    print(f"    {medians['ours'] / fastest:5.2f}  {behaviour.name}, {around.name}", flush=True)
    return medians["ours"] / fastest, fastest, count


def written(way: ByHand, around: Around) -> str:
    test = way.fails or f"NOT ({way.holds})" if around.is_negated else f"({way.holds})"
    return f"SELECT count(*) FROM contacts c {way.joins} WHERE {around.sql.replace('{}', test)}"


def in_time(session: Session, query: str, limit: float) -> tuple[int, float] | None:
    session.connection.execute(f"SET statement_timeout = {int(1000 * limit)}")
    try:
        return session.count(query)
    except psycopg.errors.QueryCanceled:
        return None
    finally:
        session.connection.execute("RESET statement_timeout")


def refreshing(bench: Bench, session: Session) -> Iterator[Figure]:
    """Segments of which one half ask what contacts did, refreshed together, one by one, and beside one pass over the rows."""
    conditions = make_conditions(SEGMENTS)
    session.connection.execute(
        "INSERT INTO segments.segment_config (id, audience, name, conditions, time_zone)"
        " SELECT gen_random_uuid(), %s, 'behaviour ' || number, condition::segment_condition, 'UTC'"
        " FROM unnest(%s::text[]) WITH ORDINALITY AS c(condition, number)", (AUDIENCE, list(map(json.dumps, conditions))),
    )
    refresh = f"SELECT count(*) FILTER (WHERE error IS NULL) FROM refresh_segments('{AUDIENCE}')"
    refreshed = session.value(refresh)
    if refreshed != SEGMENTS:
        raise SystemExit(f"{refreshed} of {SEGMENTS} segments were refreshed")
    medians = bench.medians({
        "at once": lambda: session.count(refresh)[1],
        "one pass": lambda: sum(session.count(query)[1] for query in ONE_PASS),
    })
    sample = random.Random(2).sample(conditions, SAMPLE)
    one_by_one = sum(session.count(COUNT, (json.dumps(condition), AUDIENCE))[1] for condition in sample) / SAMPLE
    yield Figure(REFRESHING, f"one by one, a segment of {SAMPLE}", 1000 * one_by_one, "ms")
    yield Figure(REFRESHING, f"{SEGMENTS:,} segments at once", medians["at once"], "s")
    yield Figure(REFRESHING, "times as fast as one by one", SEGMENTS * one_by_one / medians["at once"], at_least=20)
    yield Figure(REFRESHING, "of one pass that groups orders and events by contact, with count and sum", medians["at once"] / medians["one pass"], at_most=10)
    other = bench.session()
    yield Figure(REFRESHING, "memory of the backend, at its peak", peak_of(other, lambda: other.value(refresh)) / 1024, "MB")


CATEGORIES = ["books", "games", "music", "garden", "kitchen", "toys", "tools", "travel", "sports", "wine", "pets", "art"]
NAMES = ["viewed pricing", "signed up", "added to cart", "clicked", "viewed", "opened"]


def make_conditions(count: int) -> list[dict]:
    """Ever the same; each second one asks what contacts did."""
    chance = random.Random(1)
    declared = ["country", "city", "plan", "referrer", "lifetime_value", "email_opens", "score", "last_purchase_date", "tags"]
    found = []
    while len(found) < count:
        condition = dict(test for test in (segmented.make_test(chance) for _ in range(4)) if test[0] in declared)
        found.append(condition | (did(chance) if len(found) % 2 else {"status": "active"}))
    return found


def did(chance: random.Random) -> dict:
    since = lambda: f"202{chance.randrange(2, 5)}-{chance.randint(1, 12):02}-01"
    category, name = lambda: chance.choice(CATEGORIES), lambda: chance.choice(NAMES)
    return chance.choice([
        lambda: {"orders": {"$filter": {"placed_at": {"$gte": since()}}, "$count": {"$gte": chance.randint(1, 5)}}},
        lambda: {"orders": {"$filter": {"status": "paid", "category": category()}, "$sum": {"total": {"$gt": chance.randrange(20, 500)}}}},
        lambda: {"orders": {"$some": {"category": category(), "total": {"$gt": chance.randrange(20, 300)}}}},
        lambda: {"orders": {"$min": {"placed_at": {"$gte": since()}}}},
        lambda: {"orders": {"$last": {"status": chance.choice(["paid", "open", "refunded"])}}},
        lambda: {"orders": {"$distinct": {"category": {"$gte": chance.randint(2, 5)}}}},
        lambda: {"events": {"$none": {"name": name(), "at": {"$gte": since()}}}},
        lambda: {"events": {"$filter": {"name": name()}, "$count": {"$lt": chance.randint(2, 6)}}},
        lambda: {"events": {"$sequence": [{"name": name()}, {"name": name(), "$within": f"{chance.randint(1, 30)} days"}]}},
        lambda: {"events": {"$sequence": [{"name": "viewed pricing"}, {"$none": {"name": "signed up"}, "$within": f"{chance.randint(1, 30)} days"}]}},
    ])()
