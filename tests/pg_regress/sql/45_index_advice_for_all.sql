-- suggest_indexes() for audiences that have one table, and for all of them.
\pset format unaligned
\pset tuples_only on
SET search_path = public;
CREATE TABLE accounts (id bigint PRIMARY KEY, org int, mrr int, plan text, seats int);
INSERT INTO accounts SELECT n, n % 20, n, 'plan ' || n % 30, n % 500 FROM generate_series(1, 4000) n;
SELECT count(attach_audience('org ' || n, 'accounts', scope => jsonb_build_object('org', n))) FROM generate_series(1, 3) n;
SELECT count(create_segment('big', '{"mrr": {"$gte": 3990}}', audience => 'org ' || n)) FROM generate_series(1, 3) n;
SELECT (create_segment('seats', '{"seats": 7}', audience => 'org 2')).name;

-- (org, mrr) serves a condition on mrr where the scope gives the org. Without a scope, or with another one, it does not.
SELECT suggestion, property, segments, audiences FROM suggest_indexes('org 1');
CREATE INDEX accounts_org_mrr ON accounts (org, mrr);
SELECT suggestion, property, segments, audiences FROM suggest_indexes('org 1');
SELECT attach_audience('accounts', 'accounts'), attach_audience('orgs', 'accounts', scope => '{"org": {"$in": [1, 2]}}');
SELECT (create_segment('big', '{"mrr": {"$gte": 3990}}', audience => name)).audience FROM unnest(ARRAY['accounts', 'orgs']) name;
SELECT suggestion, property, segments, audiences FROM suggest_indexes('accounts');
SELECT suggestion, property, segments, audiences FROM suggest_indexes('orgs');
DROP INDEX accounts_org_mrr;
-- Columns that come later, or are included, are not reached.
CREATE INDEX accounts_plan_mrr ON accounts (plan, mrr);
CREATE INDEX accounts_org ON accounts (org) INCLUDE (mrr);
SELECT suggestion, property, segments, audiences FROM suggest_indexes('org 1') WHERE suggestion = 'create';
-- An index that serves another audience's segments is none to drop, though the caller may not see these.
CREATE INDEX accounts_seats ON accounts (seats);
SELECT suggestion, property, segments, audiences FROM suggest_indexes('org 1');

-- All audiences, one suggestion for a table; views and foreign tables have none.
CREATE TABLE leads (id bigint PRIMARY KEY, city text);
INSERT INTO leads SELECT n, 'city ' || n % 300 FROM generate_series(1, 2000) n;
CREATE VIEW some_leads AS SELECT * FROM leads WHERE id < 100;
SELECT attach_audience('leads', 'leads'), attach_audience('some leads', 'some_leads', id_column => 'id');
SELECT (create_segment('here', '{"city": "city 7"}', audience => name)).audience FROM unnest(ARRAY['leads', 'some leads']) name;
SELECT suggestion, property, ddl, segments, audiences FROM suggest_indexes() WHERE audiences && '{org 1,leads,some leads}';
SELECT ddl FROM suggest_indexes() WHERE suggestion = 'create' AND audiences && '{org 1,leads,some leads}' \gexec
SELECT suggestion, property, audiences FROM suggest_indexes(NULL) WHERE audiences && '{org 1,leads,some leads}';

-- Those that the caller may see and read.
CREATE ROLE regress_segments_adviser;
SELECT grant_segments_access('regress_segments_adviser', 'read:segments', 'org 1'),
       grant_segments_access('regress_segments_adviser', 'read:segments', 'leads');
DROP INDEX leads_city_idx, accounts_mrr_idx;
SET ROLE regress_segments_adviser;
SELECT suggestion, property, segments, audiences FROM suggest_indexes();
RESET ROLE;
GRANT SELECT ON accounts TO regress_segments_adviser;
SET ROLE regress_segments_adviser;
SELECT suggestion, property, segments, audiences FROM suggest_indexes();
RESET ROLE;
SELECT revoke_segments_access('regress_segments_adviser', 'read:segments');
SELECT count(detach_audience(name, true)) FROM segments.audience WHERE relation IN ('accounts'::regclass, 'leads', 'some_leads');
DROP TABLE accounts, leads CASCADE;
DROP ROLE regress_segments_adviser;
