-- What the names in a query with an owner's rights come to stand for: nothing of somebody's who lacks these rights.
\pset format unaligned
\pset tuples_only on
CREATE ROLE regress_segments_developer;
CREATE ROLE regress_segments_owner;
CREATE ROLE regress_segments_other;
GRANT CREATE ON SCHEMA public TO regress_segments_developer, regress_segments_owner, regress_segments_other;
GRANT regress_segments_other TO regress_segments_owner;
CREATE TABLE public.ran (who name, what text);
GRANT ALL ON public.ran TO PUBLIC;
SET search_path = public;

-- Beside the aggregate, one that fits better.
CREATE TABLE counted (id int PRIMARY KEY, country text);
INSERT INTO counted VALUES (1, 'US'), (2, 'DE'), (3, 'US');
SELECT attach_audience('counted', 'counted');
SELECT count(create_segment('S' || n, '{"country": "US"}', audience => 'counted')) FROM generate_series(1, 30) n;
SET ROLE regress_segments_developer;
CREATE FUNCTION segments_tally(text, text) RETURNS bigint[] LANGUAGE plpgsql COST 0.0001 AS
    $$ BEGIN INSERT INTO public.ran VALUES (current_user, 'tally'); RETURN array_fill(7::bigint, ARRAY[30]); END $$;
RESET ROLE;
SELECT contact_count, error, count(*) FROM refresh_segments('counted') GROUP BY 1, 2;
SELECT DISTINCT contact_count FROM segments.segment WHERE audience = 'counted';
DROP FUNCTION segments_tally(text, text);
SELECT contact_count, error, count(*) FROM refresh_segments('counted') GROUP BY 1, 2;

-- Beside the operator, one for the domain that a column is of.
CREATE DOMAIN regress_document AS jsonb;
CREATE TABLE documents (id int PRIMARY KEY, properties regress_document);
INSERT INTO documents SELECT n, '{"a": 1}' FROM generate_series(1, 10) n;
SELECT attach_audience('documents', 'documents', properties_column => 'properties');
SELECT create_property('a', 'number', 'documents');
SELECT contact_count FROM create_segment('One', '{"a": 1}', audience => 'documents');
SET ROLE regress_segments_developer;
CREATE FUNCTION matches(regress_document, segment_condition) RETURNS boolean LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO public.ran VALUES (current_user, 'operator'); RETURN false; END $$;
CREATE OPERATOR @~ (LEFTARG = regress_document, RIGHTARG = segment_condition, FUNCTION = matches);
RESET ROLE;
SELECT contact_count, error FROM refresh_segments('documents');
DROP OPERATOR @~ (regress_document, segment_condition);

-- Policies and views of the subscriptions' owner.
SELECT grant_segments_access('regress_segments_owner', 'write:segments');
SELECT grant_segments_access('regress_segments_owner', 'read:contacts');
SET ROLE regress_segments_other;
CREATE TABLE subscribed (c int, topic text);
INSERT INTO subscribed VALUES (1, 'w');
GRANT SELECT ON subscribed TO regress_segments_owner;
CREATE FUNCTION witness() RETURNS boolean LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO public.ran VALUES (current_user, 'policy'); RETURN true; END $$;
SET ROLE regress_segments_owner;
CREATE TABLE owned (id int PRIMARY KEY);
INSERT INTO owned VALUES (1), (2);
SELECT attach_audience('owned', 'owned');
SELECT attach_topics('owned', 'subscribed', 'c', 'topic');
SELECT slug FROM create_topic('W', audience => 'owned');
SELECT contact_count FROM create_segment('T', '{"$topic": "w"}', audience => 'owned');
SET ROLE regress_segments_other;
CREATE POLICY everyone ON subscribed USING (witness());
ALTER TABLE subscribed ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
SET ROLE regress_segments_owner;
SELECT contact_count, error FROM refresh_segments('owned');
SELECT count(*) > 0 AS ran FROM ran WHERE who = 'regress_segments_owner';
RESET ROLE;
SELECT * FROM ran;

SELECT detach_audience(name, true) FROM segments.audience WHERE name IN ('counted', 'documents', 'owned');
DROP TABLE counted, documents, owned, subscribed, ran;
DROP FUNCTION matches, witness;
DROP DOMAIN regress_document;
SELECT revoke_segments_access('regress_segments_owner', 'write:segments');
SELECT revoke_segments_access('regress_segments_owner', 'read:contacts');
REVOKE CREATE ON SCHEMA public FROM regress_segments_developer, regress_segments_owner, regress_segments_other;
DROP OWNED BY regress_segments_owner, regress_segments_other, regress_segments_developer;
DROP ROLE regress_segments_developer, regress_segments_owner, regress_segments_other;
