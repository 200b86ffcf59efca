-- Who may have entries and exits found by refreshes, and with whose rights the members are read.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY default
CREATE ROLE regress_watch_owner;
CREATE ROLE regress_watch_clerk;
CREATE ROLE regress_watch_reader;
CREATE TABLE patients (id int PRIMARY KEY, ward text, diagnosis text);
INSERT INTO patients SELECT n, 'A', 'secret ' || n FROM generate_series(1, 4) n;
ALTER TABLE patients OWNER TO regress_watch_owner;
SELECT attach_audience('patients', 'patients');
SELECT name FROM create_segment('ward A', '{"ward": "A"}', audience => 'patients');
SELECT grant_segments_access('regress_watch_clerk', 'write:segments', 'patients'),
       grant_segments_access('regress_watch_reader', 'read:contacts', 'patients'), grant_segments_access('regress_watch_reader', 'read:segments', 'patients');
-- Who may write segments may watch them, as who may do so refreshes. The members are read with the rights of the table's owner.
SET ROLE regress_watch_clerk;
SELECT count(*) FROM patients;
SELECT watch_segment(id) FROM segments.segment WHERE name = 'ward A';
RESET ROLE;
UPDATE patients SET ward = 'B' WHERE id = 1;
SET ROLE regress_watch_clerk;
SELECT contact_count, error FROM refresh_segments('patients');
SELECT count(*) FROM segments.member_set;
SELECT count(*) FROM segments.member_chunk;
SELECT count(*) FROM segments.change;
-- Who reads contacts is shown them, if the role may read the columns.
SET ROLE regress_watch_reader;
SELECT watch_segment('ward A', false);
SELECT count(*) FROM segments.member_chunk;
SELECT change, contact_id FROM segments.change;
RESET ROLE;
REVOKE SELECT ON patients FROM regress_watch_reader;
SET ROLE regress_watch_reader;
SELECT change, contact_id FROM segments.change;
RESET ROLE;

-- An error that quotes a contact is shown to nobody who may not read it.
CREATE FUNCTION tell(diagnosis text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE 'it is %', diagnosis; END $$;
ALTER FUNCTION tell OWNER TO regress_watch_owner;
CREATE VIEW told AS SELECT id, CASE WHEN id = 3 THEN tell(diagnosis) ELSE ward END AS ward FROM patients;
ALTER VIEW told OWNER TO regress_watch_owner;
SELECT attach_audience('told', 'told', id_column => 'id');
SELECT grant_segments_access('regress_watch_clerk', 'write:segments', 'told');
SET ROLE regress_watch_clerk;
SELECT name FROM create_segment('told', '{"id": {"$ne": 3}}', audience => 'told');
SELECT watch_segment(id) FROM segments.segment WHERE name = 'told';
SELECT name FROM update_segment((SELECT id FROM segments.segment WHERE name = 'told'), '{"conditions": {"ward": "A"}}');
RESET ROLE;
UPDATE segments.segment_config SET conditions = '{"ward": "A"}' WHERE name = 'told';
SET ROLE regress_watch_clerk;
SELECT contact_count, error FROM refresh_segments('told');
SELECT watch_segment(id, false) FROM segments.segment WHERE name = 'told';
SELECT watch_segment(id) FROM segments.segment WHERE name = 'told';
RESET ROLE;
SELECT detach_audience('told', true);

-- Code of the owner that runs while the members are read, and ends the watching.
SELECT grant_segments_access('regress_watch_owner', 'write:segments', 'patients'), grant_segments_access('regress_watch_owner', 'read:segments', 'patients');
CREATE FUNCTION disturb(id int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    IF id = 2 THEN
        PERFORM public.watch_segment(s.id, false) FROM segments.segment s WHERE s.name = 'disturbed';
    END IF;
    RETURN id;
END
$$;
ALTER FUNCTION disturb OWNER TO regress_watch_owner;
CREATE VIEW disturbed AS SELECT id, ward, disturb(id) AS disturb FROM patients;
ALTER VIEW disturbed OWNER TO regress_watch_owner;
SELECT attach_audience('disturbed', 'disturbed', id_column => 'id');
SELECT grant_segments_access('regress_watch_owner', 'write:segments', 'disturbed'), grant_segments_access('regress_watch_owner', 'read:segments', 'disturbed');
SELECT name FROM create_segment('disturbed', '{"ward": "A", "disturb": {"$lt": 100}}', audience => 'disturbed');
SELECT watch_segment('disturbed');
SELECT contact_count, error FROM refresh_segments('disturbed');
SELECT w.watched, count(m.segment) AS sets
  FROM segments.watch_config w JOIN segments.segment s ON s.id = w.segment LEFT JOIN segments.member_set m USING (segment)
 WHERE s.name = 'disturbed' GROUP BY 1;
SELECT count(*) FROM segments.member_chunk c WHERE NOT EXISTS (SELECT FROM segments.member_set m WHERE m.segment = c.segment);
CREATE OR REPLACE FUNCTION disturb(id int) RETURNS int LANGUAGE sql AS 'SELECT id';
SELECT watch_segment('disturbed');
UPDATE patients SET ward = 'B' WHERE id = 2;
SELECT contact_count, error FROM refresh_segments('disturbed');
SELECT change, contact_id FROM segments.change JOIN segments.segment s ON s.id = segment WHERE s.name = 'disturbed';

-- A relation of another owner, with an index that would run its owner's code with the rights of the owner of the contacts: nothing
-- reads it until the index is gone.
CREATE ROLE regress_watch_till;
CREATE TABLE witnessed (who name);
GRANT ALL ON witnessed TO PUBLIC;
CREATE TABLE visits (patient int, total int);
INSERT INTO visits VALUES (2, 5), (3, 5);
CREATE FUNCTION witness() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.witnessed VALUES (current_user); RETURN true; END $$;
CREATE FUNCTION constant() RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN public.witness(); END';
ALTER FUNCTION witness OWNER TO regress_watch_till;
ALTER FUNCTION constant OWNER TO regress_watch_till;
ALTER TABLE visits OWNER TO regress_watch_till;
GRANT SELECT ON visits TO regress_watch_owner WITH GRANT OPTION;
CREATE FUNCTION id_of(name text) RETURNS uuid LANGUAGE sql AS 'SELECT s.id FROM segments.segment s WHERE s.name = $1';
CREATE FUNCTION sets() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws(' ', s.name, m.ids)
      FROM segments.watch_config w JOIN segments.segment s ON s.id = w.segment LEFT JOIN segments.member_set m USING (segment)
     WHERE s.audience = 'patients' AND w.watched ORDER BY 1
$$;
SELECT attach_relation('visits', 'visits', 'patient', 'patients');
SELECT name, contact_count FROM create_segment('visited', '{"visits.total": 5}', audience => 'patients');
SELECT watch_segment(id_of('ward A'));
CREATE INDEX sly ON visits (total) WHERE constant();
TRUNCATE witnessed;
SELECT watch_segment('visited');
SELECT name, contact_count FROM update_segment(id_of('visited'), '{"conditions": {"visits.total": {"$gt": 4}}}');
SELECT sets();
SELECT set_freshness('patients', 'live');
SELECT name, contact_count FROM update_segment(id_of('visited'), '{"conditions": {"visits.total": {"$gt": 3}}}');
SELECT count(*) FROM segments.change \gset before_
SELECT name, contact_count FROM update_segment(id_of('ward A'), '{"conditions": {"visits.total": {"$gt": 2}}}');
SELECT contact_count, error FROM refresh_segments('patients');
SELECT sets();
SELECT who FROM witnessed;
SELECT count(*) - :before_count FROM segments.change;
-- Then the refresh stores the members, and the next one compares them.
DROP INDEX sly;
SELECT contact_count, error FROM refresh_segments('patients');
SELECT sets();
INSERT INTO visits VALUES (4, 5);
SELECT contact_count, error FROM refresh_segments('patients');
SELECT change, contact_id FROM segments.change WHERE segment = id_of('visited');
-- With a set, a change of definition that cannot read the members leaves it alone.
CREATE INDEX sly ON visits (total) WHERE constant();
TRUNCATE witnessed;
SELECT name, contact_count FROM update_segment(id_of('visited'), '{"conditions": {"visits.total": {"$gt": 5}}}');
SELECT sets();
SELECT who FROM witnessed;
DROP INDEX sly;
SELECT contact_count, error FROM refresh_segments('patients') ORDER BY 1;
SELECT change, contact_id FROM segments.change WHERE segment = id_of('visited') ORDER BY change, contact_id;

SELECT detach_audience('disturbed', true), detach_audience('patients', true);
DROP TABLE visits, witnessed;
DROP FUNCTION witness, constant, id_of, sets;
DROP ROLE regress_watch_till;
SELECT count(*) FROM segments.member_chunk;
DROP VIEW told, disturbed;
DROP FUNCTION tell, disturb;
DROP TABLE patients;
DROP OWNED BY regress_watch_owner, regress_watch_clerk, regress_watch_reader;
DROP ROLE regress_watch_owner, regress_watch_clerk, regress_watch_reader;
