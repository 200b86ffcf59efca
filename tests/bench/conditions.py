"""What is measured: conditions, and the same by hand in every other language.

Each way is a WHERE expression, or several of which the fastest counts. None: it cannot be said, or not without a join.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Case:
    name: str
    condition: dict[str, Any]
    by_hand: tuple[str, ...]
    jsonpath: str | None = None
    jsquery: str | None = None
    columns: str | None = None
    duckdb_json: str | None = None
    # Where DuckDB says it in other words than `columns`
    duckdb_columns: str | None = None
    table: str = "contacts"
    # Not for the operator alone: needs columns or topics.
    audience_only: bool = False


# Each branch begins with something rare.
RARE_TREE = {"$or": [{"email_opens": 499, "country": "US"}, {"email_opens": {"$in": [480, 481]}, "tags": "vip", "plan": "pro"}]}
RARE_TREE_CONTAINED = (
    """properties @> '{"email_opens": 499, "country": "US"}' OR properties @> '{"email_opens": 480, "tags": ["vip"], "plan": "pro"}'"""
    """ OR properties @> '{"email_opens": 481, "tags": ["vip"], "plan": "pro"}'"""
)
RARE_TREE_JSONPATH = (
    '$.email_opens == 499 && $.country == "US" || ($.email_opens == 480 || $.email_opens == 481) && $.tags == "vip" && $.plan == "pro"'
)
RARE_TREE_JSQUERY = '(email_opens = 499 and country = "US") or (email_opens in (480, 481) and tags.# = "vip" and plan = "pro")'
RARE_TREE_COLUMNS = "email_opens = 499 AND country = 'US' OR email_opens IN (480, 481) AND tags @> '{vip}' AND plan = 'pro'"

# The README's first example: the mission's.
MISSION = {"$and": [{"country": {"$eq": "US"}}, {"lifetime_value": {"$gte": 100}}, {"last_purchase_date": {"$gte": "2024-01-01"}}]}
MISSION_BY_HAND = (
    "properties ->> 'country' = 'US' AND (properties ->> 'lifetime_value')::numeric >= 100"
    " AND properties ->> 'last_purchase_date' >= '2024-01-01'",
    """properties @> '{"country": "US"}' AND (properties ->> 'lifetime_value')::numeric >= 100"""
    " AND properties ->> 'last_purchase_date' >= '2024-01-01'",
    """properties -> 'country' = '"US"' AND properties -> 'lifetime_value' >= '100' AND properties -> 'last_purchase_date' >= '"2024-01-01"'""",
)
MISSION_JSONPATH = '$.country == "US" && $.lifetime_value >= 100 && $.last_purchase_date >= "2024-01-01"'

CASES = (
    Case(
        "three parts",
        MISSION,
        MISSION_BY_HAND,
        MISSION_JSONPATH,
        None,
        "country = 'US' AND lifetime_value >= 100 AND last_purchase_date >= '2024-01-01'",
        "(properties->>'country') = 'US' AND (properties->>'lifetime_value')::double >= 100"
        " AND (properties->>'last_purchase_date') >= '2024-01-01'",
    ),
    Case(
        "equality, 40 %",
        {"country": "US"},
        ("properties ->> 'country' = 'US'", """properties @> '{"country": "US"}'"""),
        '$.country == "US"',
        'country = "US"',
        "country = 'US'",
        "(properties->>'country') = 'US'",
    ),
    Case(
        "equality, 0.07 %",
        {"email_opens": 499},
        ("(properties ->> 'email_opens')::numeric = 499", "properties ->> 'email_opens' = '499'", """properties @> '{"email_opens": 499}'"""),
        "$.email_opens == 499",
        "email_opens = 499",
        "email_opens = 499",
        "(properties->>'email_opens')::int = 499",
    ),
    Case(
        "range",
        {"lifetime_value": {"$gte": 5000, "$lt": 6000}},
        (
            "(properties ->> 'lifetime_value')::numeric >= 5000 AND (properties ->> 'lifetime_value')::numeric < 6000",
            "properties -> 'lifetime_value' >= '5000' AND properties -> 'lifetime_value' < '6000'",
        ),
        "$.lifetime_value >= 5000 && $.lifetime_value < 6000",
        "lifetime_value >= 5000 and lifetime_value < 6000",
        "lifetime_value >= 5000 AND lifetime_value < 6000",
        "(properties->>'lifetime_value')::double >= 5000 AND (properties->>'lifetime_value')::double < 6000",
    ),
    Case(
        "five-way $or, nobody",
        {"$or": [{"country": "ZZ"}, {"lifetime_value": {"$gt": 1000000}}, {"plan": "gold"}, {"city": "Atlantis"}, {"referrer": "nobody"}]},
        (
            "properties ->> 'country' = 'ZZ' OR (properties ->> 'lifetime_value')::numeric > 1000000 OR properties ->> 'plan' = 'gold'"
            " OR properties ->> 'city' = 'Atlantis' OR properties ->> 'referrer' = 'nobody'",
            """properties @> '{"country": "ZZ"}' OR (properties ->> 'lifetime_value')::numeric > 1000000 OR properties @> '{"plan": "gold"}'"""
            """ OR properties @> '{"city": "Atlantis"}' OR properties @> '{"referrer": "nobody"}'""",
        ),
        '$.country == "ZZ" || $.lifetime_value > 1000000 || $.plan == "gold" || $.city == "Atlantis" || $.referrer == "nobody"',
        'country = "ZZ" or lifetime_value > 1000000 or plan = "gold" or city = "Atlantis" or referrer = "nobody"',
        "country = 'ZZ' OR lifetime_value > 1000000 OR plan = 'gold' OR city = 'Atlantis' OR referrer = 'nobody'",
        "(properties->>'country') = 'ZZ' OR (properties->>'lifetime_value')::double > 1000000 OR (properties->>'plan') = 'gold'"
        " OR (properties->>'city') = 'Atlantis' OR (properties->>'referrer') = 'nobody'",
    ),
    Case(
        "negation",
        {"score": {"$ne": 50}},
        ("properties ->> 'score' IS DISTINCT FROM '50'", """NOT properties @> '{"score": 50}'"""),
        None,
        "not (score = 50)",
        "score IS DISTINCT FROM 50",
        "(properties->>'score') IS DISTINCT FROM '50'",
    ),
    Case(
        "array of tags",
        {"tags": "vip"},
        ("properties -> 'tags' ? 'vip'", """properties @> '{"tags": ["vip"]}'"""),
        '$.tags == "vip"',
        'tags.# = "vip"',
        "tags @> '{vip}'",
        "json_contains(properties->'tags', '\"vip\"')",
        "list_contains(tags, 'vip')",
    ),
    Case(
        "nested path",
        {"company.industry": "media"},
        ("properties -> 'company' ->> 'industry' = 'media'", "properties #>> '{company,industry}' = 'media'",
         """properties @> '{"company": {"industry": "media"}}'"""),
        '$.company.industry == "media"',
        'company.industry = "media"',
        "company_industry = 'media'",
        "(properties->'company'->>'industry') = 'media'",
    ),
    Case(
        "pattern",
        {"city": {"$regex": "^B.*n$"}},
        ("properties ->> 'city' ~ '^B.*n$'",),
        '$.city like_regex "^B.*n$"',
        None,
        "city ~ '^B.*n$'",
        "regexp_matches(properties->>'city', '^B.*n$')",
        "regexp_matches(city, '^B.*n$')",
    ),
    Case(
        "tree of equalities",
        {"$or": [{"country": "IS", "plan": "enterprise"}, {"tags": "partner", "referrer": "talk", "plan": "team"}]},
        (
            "properties ->> 'country' = 'IS' AND properties ->> 'plan' = 'enterprise'"
            " OR properties -> 'tags' ? 'partner' AND properties ->> 'referrer' = 'talk' AND properties ->> 'plan' = 'team'",
            """properties @> '{"country": "IS", "plan": "enterprise"}' OR properties @> '{"tags": ["partner"], "referrer": "talk", "plan": "team"}'""",
        ),
        '$.country == "IS" && $.plan == "enterprise" || $.tags == "partner" && $.referrer == "talk" && $.plan == "team"',
        '(country = "IS" and plan = "enterprise") or (tags.# = "partner" and referrer = "talk" and plan = "team")',
        "country = 'IS' AND plan = 'enterprise' OR tags @> '{partner}' AND referrer = 'talk' AND plan = 'team'",
        "(properties->>'country') = 'IS' AND (properties->>'plan') = 'enterprise'"
        " OR json_contains(properties->'tags', '\"partner\"') AND (properties->>'referrer') = 'talk' AND (properties->>'plan') = 'team'",
        "country = 'IS' AND plan = 'enterprise' OR list_contains(tags, 'partner') AND referrer = 'talk' AND plan = 'team'",
    ),
    Case(
        "tree of rare equalities",
        RARE_TREE,
        (
            "properties ->> 'email_opens' = '499' AND properties ->> 'country' = 'US'"
            " OR properties ->> 'email_opens' IN ('480', '481') AND properties -> 'tags' ? 'vip' AND properties ->> 'plan' = 'pro'",
            RARE_TREE_CONTAINED,
        ),
        RARE_TREE_JSONPATH,
        RARE_TREE_JSQUERY,
        RARE_TREE_COLUMNS,
        "(properties->>'email_opens')::int = 499 AND (properties->>'country') = 'US' OR (properties->>'email_opens')::int IN (480, 481)"
        " AND json_contains(properties->'tags', '\"vip\"') AND (properties->>'plan') = 'pro'",
        "email_opens = 499 AND country = 'US' OR email_opens IN (480, 481) AND list_contains(tags, 'vip') AND plan = 'pro'",
    ),
    Case(
        "columns and jsonb",
        {"$or": [{"status": "bounced"}, {"lifetime_value": {"$gte": 1000}}], "country": "US"},
        (
            "(status = 'bounced' OR (properties ->> 'lifetime_value')::numeric >= 1000) AND properties ->> 'country' = 'US'",
            """(status = 'bounced' OR (properties ->> 'lifetime_value')::numeric >= 1000) AND properties @> '{"country": "US"}'""",
        ),
        columns="(status = 'bounced' OR lifetime_value >= 1000) AND country = 'US'",
        duckdb_json="(status = 'bounced' OR (properties->>'lifetime_value')::double >= 1000) AND (properties->>'country') = 'US'",
        audience_only=True,
    ),
    Case(
        "a topic",
        {"$topic": "weekly", "plan": "pro"},
        (
            "properties ->> 'plan' = 'pro' AND id IN (SELECT contact_id FROM contact_topics WHERE topic = 'weekly')",
            "properties ->> 'plan' = 'pro' AND EXISTS (SELECT FROM contact_topics t WHERE t.contact_id = contacts.id AND t.topic = 'weekly')",
        ),
        audience_only=True,
    ),
    Case(
        "4 KB: three parts",
        MISSION,
        MISSION_BY_HAND,
        MISSION_JSONPATH,
        table="large_contacts",
    ),
    Case(
        "4 KB: three-way $or, nobody",
        {"$or": [{"country": "ZZ"}, {"lifetime_value": {"$gt": 1000000}}, {"plan": "gold"}]},
        (
            "properties ->> 'country' = 'ZZ' OR (properties ->> 'lifetime_value')::numeric > 1000000 OR properties ->> 'plan' = 'gold'",
            """properties @> '{"country": "ZZ"}' OR (properties ->> 'lifetime_value')::numeric > 1000000 OR properties @> '{"plan": "gold"}'""",
        ),
        '$.country == "ZZ" || $.lifetime_value > 1000000 || $.plan == "gold"',
        'country = "ZZ" or lifetime_value > 1000000 or plan = "gold"',
        table="large_contacts",
    ),
)

# With indexes. GIN: by hand with the same index. Typed: the same expression by hand, in the same index.
INDEXED = (
    Case(
        "GIN: equality, 0.07 %",
        {"email_opens": 499},
        ("""properties @> '{"email_opens": 499}'""",),
        "$.email_opens == 499",
        "email_opens = 499",
        "email_opens = 499",
    ),
    Case(
        "GIN: tree of equalities",
        {"$or": [{"country": "IS", "plan": "enterprise"}, {"tags": "partner", "referrer": "talk", "plan": "team"}]},
        (
            """properties @> '{"country": "IS", "plan": "enterprise"}' OR properties @> '{"tags": ["partner"], "referrer": "talk", "plan": "team"}'""",
        ),
        '$.country == "IS" && $.plan == "enterprise" || $.tags == "partner" && $.referrer == "talk" && $.plan == "team"',
        '(country = "IS" and plan = "enterprise") or (tags.# = "partner" and referrer = "talk" and plan = "team")',
        "country = 'IS' AND plan = 'enterprise' OR tags @> '{partner}' AND referrer = 'talk' AND plan = 'team'",
    ),
    Case("GIN: tree of rare equalities", RARE_TREE, (RARE_TREE_CONTAINED,), RARE_TREE_JSONPATH, RARE_TREE_JSQUERY, RARE_TREE_COLUMNS),
    Case(
        "typed: range",
        {"lifetime_value": {"$gte": 8000, "$lt": 9000}},
        ("property_number(properties, 'lifetime_value') >= 8000 AND property_number(properties, 'lifetime_value') < 9000",),
        columns="lifetime_value >= 8000 AND lifetime_value < 9000",
        jsquery="lifetime_value >= 8000 and lifetime_value < 9000",
        audience_only=True,
    ),
)
