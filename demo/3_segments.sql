-- Five segments, each counted when it is created.

\timing on
\echo 'Who lives in the US, has spent 100 or more, and has bought something since 2024:'
\set ECHO queries
SELECT name, contact_count FROM create_segment('US big spenders',
    '{"$and": [{"country": {"$eq": "US"}}, {"lifetime_value": {"$gte": 100}}, {"last_purchase_date": {"$gte": "2024-01-01"}}]}');
\set ECHO none

\echo 'Tags (one of these, none of those), and a field inside a field:'
\set ECHO queries
SELECT name, contact_count FROM create_segment('VIPs of mid-sized companies',
    '{"tags": {"$in": ["vip", "partner"], "$nin": ["churned"]}, "company.size": {"$gte": 90, "$lt": 2500}}');
\set ECHO none

\echo 'Missing values: a score that is low, null or absent; a city that is not London, or not known; no phone:'
\set ECHO queries
SELECT name, contact_count FROM create_segment('Unscored, outside London',
    '{"$or": [{"score": {"$lt": 20}}, {"score": null}], "$not": {"city": "London"}, "phone": {"$exists": false}}');
\set ECHO none

\echo 'Subscribers of a topic, and dates, as days of New York:'
\set ECHO queries
SELECT name, contact_count FROM create_segment('Weekly readers who bought last winter',
    '{"$topic": "weekly", "last_purchase_date": {"$gte": "2024-11-01", "$lte": "2024-12-31"}, "created_at": {"$lt": "2024-01-01"}}',
    time_zone => 'America/New_York');
\set ECHO none

\echo 'A segment in a segment:'
\set ECHO queries
SELECT name, contact_count FROM create_segment('Win back',
    '{"$and": [{"$segment": "US big spenders"}, {"$not": {"$topic": "product-news"}},
               {"$or": [{"last_purchase_date": {"$lt": "2024-07-01"}}, {"tags": "churned"}]}]}');

-- The WHERE expression that it is:
\pset format unaligned
\pset tuples_only on
SELECT segment_sql(id) FROM segments.segment WHERE name = 'Win back';
