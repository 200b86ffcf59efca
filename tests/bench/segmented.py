"""A table of contacts with twenty properties, and segments over it as people write them: three to six tests each, some with
$or, negations and text. The same on every machine."""

import json
import random

from engines import Session

AUDIENCE = "segmented_contacts"

# The contacts of contacts.sql with four more properties: eighteen custom ones and two native, beside the id.
TABLE = f"""
CREATE TABLE {AUDIENCE} (id bigint PRIMARY KEY, status text NOT NULL, created_at timestamptz NOT NULL, properties jsonb NOT NULL);
INSERT INTO {AUDIENCE}
SELECT id, status, created_at, properties || jsonb_build_object(
           'age', 18 + hash % 60, 'visits', hash % 1000, 'source', (ARRAY['ads', 'organic', 'referral', 'event', 'import'])[1 + hash % 5],
           'email', 'user' || id || (ARRAY['@gmail.com', '@example.com', '@corp.example'])[1 + hash % 3])
FROM contacts, LATERAL (SELECT ('x' || substr(md5(id || 's'), 1, 7))::bit(28)::int AS hash) AS random;
VACUUM (FREEZE, ANALYZE) {AUDIENCE};
SELECT attach_audience('{AUDIENCE}', '{AUDIENCE}', properties_column => 'properties');
SELECT create_property(property, type, '{AUDIENCE}')
FROM (VALUES ('country', 'string'), ('city', 'string'), ('plan', 'string'), ('language', 'string'), ('referrer', 'string'),
             ('lifetime_value', 'number'), ('orders', 'number'), ('email_opens', 'number'), ('score', 'number'),
             ('is_beta', 'boolean'), ('last_purchase_date', 'date'), ('last_seen', 'timestamp'), ('tags', 'string[]'),
             ('company', 'json'), ('age', 'number'), ('visits', 'number'), ('source', 'string'), ('email', 'string')) p(property, type)
"""

COUNTRIES = ["US", "US", "US", "US", "GB", "GB", "DE", "FR", "IN", "CA", "BR", "JP", "AU", "ES", "IT", "NL", "SE", "IS"]
CITIES = ["New York", "London", "Berlin", "Paris", "Mumbai", "Toronto", "São Paulo", "Tokyo", "Austin", "Leeds"]
PLANS = ["free", "free", "pro", "pro", "team", "enterprise"]
TAGS = ["vip", "beta", "churned", "webinar", "reseller", "student", "press", "partner"]
SOURCES = ["ads", "organic", "referral", "event", "import"]


def make(session: Session) -> None:
    """Makes the table and attaches it, with no segments yet."""
    drop(session)
    for statement in TABLE.split(";\n"):
        session.connection.execute(statement)


def drop(session: Session) -> None:
    """Takes the table away, with its segments."""
    session.connection.execute(
        "SELECT detach_audience(name, true) FROM segments.audience WHERE name = %s", (AUDIENCE,)
    )
    session.connection.execute(f"DROP TABLE IF EXISTS {AUDIENCE}")


def fill(session: Session, count: int) -> None:
    """Adds segments until there are so many, without counting them, which would take long: a refresh does."""
    present = session.value("SELECT count(*) FROM segments.segment WHERE audience = %s", (AUDIENCE,))
    conditions = [json.dumps(condition) for condition in make_conditions(count)[present:]]
    session.connection.execute(
        "INSERT INTO segments.segment_config (id, audience, name, conditions, time_zone)"
        " SELECT gen_random_uuid(), %s, 'segment ' || %s + number, condition::segment_condition, 'UTC'"
        " FROM unnest(%s::text[]) WITH ORDINALITY AS c(condition, number)",
        (AUDIENCE, present, conditions),
    )


def make_conditions(count: int) -> list[dict]:
    """Conditions, ever the same."""
    chance = random.Random(1)
    return [condition(chance) for _ in range(count)]


def condition(chance: random.Random) -> dict:
    tests: dict = {}
    most = chance.randint(3, 6)
    while len(tests) < most:
        field, test = make_test(chance)
        tests.setdefault(field, test)
    if chance.random() < 0.12:
        last = tests.popitem()
        other = make_test(chance)
        tests["$or"] = [dict([last]), dict([other])]
    return tests


def make_test(chance: random.Random) -> tuple:
    def number(field: str, most: int) -> tuple:
        low = chance.randrange(most)
        bounds = ({"$gte": low}, {"$lt": low}, {"$gte": low, "$lt": low + 1 + chance.randrange(most // 2)})
        return field, chance.choice(bounds)

    def date(field: str) -> tuple:
        return field, {chance.choice(["$gte", "$lt", "$gt", "$lte"]): f"202{chance.randrange(5)}-{chance.randint(1, 12):02}-01"}

    def several(words: list[str]) -> dict:
        return {"$in": chance.choices(words, k=chance.randint(1, 4))}

    tests = (
        lambda: ("country", chance.choice(COUNTRIES)),
        lambda: ("country", chance.choice(COUNTRIES)),
        lambda: ("country", several(COUNTRIES)),
        lambda: ("country", {"$ne": chance.choice(COUNTRIES)}),
        lambda: ("plan", chance.choice(PLANS)),
        lambda: ("plan", several(PLANS)),
        lambda: ("city", chance.choice(CITIES)),
        lambda: ("source", several(SOURCES)),
        lambda: ("language", chance.choice(["en", "de", "fr", "es"])),
        lambda: ("email", chance.choice([{"$endsWith": "@gmail.com"}, {"$regex": f"^user{chance.randrange(30)}"},
                                         {"$contains": str(chance.randrange(100))}])),
        lambda: number("lifetime_value", 2000),
        lambda: number("orders", 40),
        lambda: number("email_opens", 500),
        lambda: number("score", 100),
        lambda: number(chance.choice(["age", "visits"]), 60),
        lambda: ("is_beta", chance.random() < 0.5),
        lambda: ("status", chance.choice(["active", "unsubscribed", "bounced"])),
        lambda: date(chance.choice(["last_purchase_date", "created_at"])),
        lambda: date("last_seen"),
        lambda: ("tags", chance.choice([chance.choice(TAGS), {"$all": chance.sample(TAGS, 2)}, {"$nin": [chance.choice(TAGS)]}])),
        lambda: chance.choice([("company.industry", chance.choice(["retail", "software", "media"])), number("company.size", 3000)]),
    )
    return chance.choice(tests)()
