"""What contacts did, as a condition, and as an expert would write it in SQL: several ways each, of which the fastest counts.

A way joins something to `contacts c`, or nothing, and has an expression that is true or false for every contact. Where its negation is written
in another way than NOT, it says so.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class ByHand:
    holds: str
    joins: str = ""
    fails: str = ""


@dataclass(frozen=True)
class Behaviour:
    name: str
    condition: dict
    ways: list[ByHand] = field(default_factory=list)


@dataclass(frozen=True)
class Around:
    """What a behaviour stands in."""

    name: str
    condition: dict
    # {} is the behaviour
    sql: str
    is_negated: bool = False

    def of(self, behaviour: dict) -> dict:
        return put(self.condition, behaviour)


BEHAVIOUR = "the behaviour"


def put(shape, behaviour: dict):
    if shape == BEHAVIOUR:
        return behaviour
    if isinstance(shape, dict):
        return {key: put(value, behaviour) for key, value in shape.items()}
    return [put(value, behaviour) for value in shape] if isinstance(shape, list) else shape


AROUND = [
    Around("alone", {"$and": [BEHAVIOUR]}, "{}"),
    Around("and columns and properties", {"status": "active", "plan": "pro", "$and": [BEHAVIOUR]},
           "c.status = 'active' AND c.properties ->> 'plan' = 'pro' AND {}"),
    Around("and what 0.07 % satisfy", {"country": "IS", "plan": "enterprise", "$and": [BEHAVIOUR]},
           "c.properties ->> 'country' = 'IS' AND c.properties ->> 'plan' = 'enterprise' AND {}"),
    Around("or a column", {"$or": [{"status": "bounced"}, BEHAVIOUR]}, "(c.status = 'bounced' OR {})"),
    Around("not", {"$not": BEHAVIOUR}, "{}", is_negated=True),
]


def grouped(table: str, where: str, having: str) -> ByHand:
    """IN over groups, and NOT EXISTS over them."""
    groups = f"SELECT r.contact_id FROM {table} r{where and f' WHERE {where}'} GROUP BY r.contact_id HAVING {having}"
    return ByHand(f"c.id IN ({groups})", fails=f"NOT EXISTS (SELECT FROM ({groups}) g WHERE g.contact_id = c.id)")


def joined(table: str, where: str, aggregate: str, test: str) -> ByHand:
    """A grouped sub-query that is joined."""
    groups = f"SELECT r.contact_id, {aggregate} AS x FROM {table} r{where and f' WHERE {where}'} GROUP BY r.contact_id"
    return ByHand(test, f"LEFT JOIN ({groups}) g ON g.contact_id = c.id")


def looked_up(table: str, where: str, aggregate: str, test: str) -> ByHand:
    """A look-up for each contact, by index."""
    return ByHand(test.replace("g.x", f"(SELECT {aggregate} FROM {table} r WHERE r.contact_id = c.id{where and f' AND {where}'})"))


def aggregated(table: str, where: str, aggregate: str, test: str, having: str) -> list[ByHand]:
    return [grouped(table, where, having), joined(table, where, aggregate, test), looked_up(table, where, aggregate, test)]


def existing(table: str, where: str) -> list[ByHand]:
    rows = f"SELECT r.contact_id FROM {table} r WHERE {where}"
    return [
        ByHand(f"EXISTS ({rows} AND r.contact_id = c.id)"),
        ByHand(f"c.id IN ({rows})", fails=f"NOT EXISTS ({rows} AND r.contact_id = c.id)"),
        ByHand("g.contact_id IS NOT NULL", f"LEFT JOIN (SELECT DISTINCT r.contact_id FROM {table} r WHERE {where}) g ON g.contact_id = c.id"),
    ]


def turned(ways: list[ByHand]) -> list[ByHand]:
    """The same with what holds and what fails the other way round."""
    return [ByHand(way.fails or f"NOT ({way.holds})", way.joins, way.holds) for way in ways]


SINCE_90, SINCE_30 = "2024-10-03", "2024-12-02"
NOT_FOLLOWED = ("r.name = 'viewed pricing' AND r.at < now() - interval '7 days' AND NOT EXISTS (SELECT FROM events f WHERE f.contact_id = r.contact_id"
                " AND f.name = 'signed up' AND (f.at, f.id) > (r.at, r.id) AND f.at <= r.at + interval '7 days')")
FOLLOWED = ("r.name = 'signed up' AND EXISTS (SELECT FROM events f WHERE f.contact_id = r.contact_id"
            " AND f.name = 'viewed pricing' AND (f.at, f.id) < (r.at, r.id) AND r.at <= f.at + interval '7 days')")
# The time before the sign-up at which prices were last viewed: one pass over both kinds, sorted
LATEST = ("SELECT w.contact_id FROM (SELECT contact_id, name, at, max(at) FILTER (WHERE name = 'viewed pricing')"
          " OVER (PARTITION BY contact_id ORDER BY at, id) AS before FROM events WHERE name IN ('viewed pricing', 'signed up')) w"
          " WHERE w.name = 'signed up' AND w.at <= w.before + interval '7 days'")
NEXT = ("SELECT w.contact_id FROM (SELECT contact_id, name, at, min(at) FILTER (WHERE name = 'signed up')"
        " OVER (PARTITION BY contact_id ORDER BY at, id ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS after"
        " FROM events WHERE name IN ('viewed pricing', 'signed up')) w"
        " WHERE w.name = 'viewed pricing' AND w.at < now() - interval '7 days' AND (w.after IS NULL OR w.after > w.at + interval '7 days')")


def in_rows(rows: str) -> ByHand:
    return ByHand(f"c.id IN ({rows})", fails=f"NOT EXISTS (SELECT FROM ({rows}) g WHERE g.contact_id = c.id)")


def joined_rows(rows: str) -> ByHand:
    return ByHand("g.contact_id IS NOT NULL", f"LEFT JOIN (SELECT DISTINCT q.contact_id FROM ({rows}) q) g ON g.contact_id = c.id")


LAST_ON = "SELECT DISTINCT ON (r.contact_id) r.contact_id, r.status FROM orders r ORDER BY r.contact_id, r.placed_at DESC, r.id DESC"
LAST_OF_GROUPS = "SELECT r.contact_id, max(ARRAY[extract(epoch FROM r.placed_at), r.id, (r.status = 'refunded')::int]) AS x FROM orders r GROUP BY r.contact_id"
LAST_BY_INDEX = "(SELECT r.status FROM orders r WHERE r.contact_id = c.id ORDER BY r.placed_at DESC, r.id DESC LIMIT 1) = 'refunded'"

BEHAVIOURS = [
    Behaviour(
        "three or more orders in 90 days", {"orders": {"$filter": {"placed_at": {"$gte": SINCE_90}}, "$count": {"$gte": 3}}},
        aggregated("orders", f"r.placed_at >= '{SINCE_90}'", "count(*)", "coalesce(g.x, 0) >= 3", "count(*) >= 3"),
    ),
    Behaviour("an order over 300", {"orders": {"$some": {"total": {"$gt": 300}}}}, existing("orders", "r.total > 300")),
    Behaviour("no event in 30 days", {"events": {"$none": {"at": {"$gte": SINCE_30}}}}, turned(existing("events", f"r.at >= '{SINCE_30}'"))),
    Behaviour(
        "over 500 paid", {"orders": {"$filter": {"status": "paid"}, "$sum": {"total": {"$gt": 500}}}},
        aggregated("orders", "r.status = 'paid'", "sum(r.total)", "coalesce(g.x, 0) > 500", "sum(r.total) > 500"),
    ),
    Behaviour(
        "first order in 90 days", {"orders": {"$min": {"placed_at": {"$gte": SINCE_90}}}},
        [
            *aggregated("orders", "", "min(r.placed_at)", f"coalesce(g.x >= '{SINCE_90}', false)", f"min(r.placed_at) >= '{SINCE_90}'"),
            ByHand(f"EXISTS (SELECT FROM orders r WHERE r.contact_id = c.id AND r.placed_at >= '{SINCE_90}')"
                   f" AND NOT EXISTS (SELECT FROM orders r WHERE r.contact_id = c.id AND r.placed_at < '{SINCE_90}')"),
        ],
    ),
    Behaviour(
        "the last order was refunded", {"orders": {"$last": {"status": "refunded"}}},
        [
            in_rows(f"SELECT l.contact_id FROM ({LAST_ON}) l WHERE l.status = 'refunded'"),
            ByHand("coalesce(g.status = 'refunded', false)", f"LEFT JOIN ({LAST_ON}) g ON g.contact_id = c.id"),
            ByHand("coalesce(g.x[3] = 1, false)", f"LEFT JOIN ({LAST_OF_GROUPS}) g ON g.contact_id = c.id"),
            ByHand(f"coalesce({LAST_BY_INDEX}, false)"),
            in_rows("SELECT r.contact_id FROM orders r WHERE r.status = 'refunded' AND NOT EXISTS"
                    " (SELECT FROM orders f WHERE f.contact_id = r.contact_id AND (f.placed_at, f.id) > (r.placed_at, r.id))"),
        ],
    ),
    Behaviour(
        "three categories", {"orders": {"$distinct": {"category": {"$gte": 3}}}},
        [
            *aggregated("orders", "", "count(DISTINCT r.category)", "coalesce(g.x, 0) >= 3", "count(DISTINCT r.category) >= 3"),
            in_rows("SELECT d.contact_id FROM (SELECT DISTINCT contact_id, category FROM orders) d GROUP BY d.contact_id HAVING count(*) >= 3"),
        ],
    ),
    Behaviour(
        "prices, then a sign-up within 7 days", {"events": {"$sequence": [{"name": "viewed pricing"}, {"name": "signed up", "$within": "7 days"}]}},
        [*existing("events", FOLLOWED), in_rows(LATEST), joined_rows(LATEST)],
    ),
    Behaviour(
        "prices, and no sign-up within 7 days", {"events": {"$sequence": [{"name": "viewed pricing"}, {"$none": {"name": "signed up"}, "$within": "7 days"}]}},
        [*existing("events", NOT_FOLLOWED), in_rows(NEXT), joined_rows(NEXT)],
    ),
]
