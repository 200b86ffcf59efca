-- Two tables with column indexes that cover all pages, and what was there when they began to.
CREATE EXTENSION segments;
CREATE TABLE person (id int PRIMARY KEY, country text, properties jsonb) WITH (fillfactor = 90, autovacuum_enabled = off);
INSERT INTO person SELECT n, 'DE', jsonb_build_object('n', n, 'text', repeat('x', n % 300)) FROM generate_series(1, 20000) n;
CREATE UNLOGGED TABLE passing (id int PRIMARY KEY, properties jsonb);
INSERT INTO passing SELECT n, '{}' FROM generate_series(1, 2000) n;
CREATE INDEX person_columns ON person USING segments (country, properties);
CREATE INDEX passing_columns ON passing USING segments (properties);
CREATE TABLE begun AS SELECT txid_current() AS xid;

-- Pages with rows that came later, of which too few are marked. A page that has lost rows is not counted here.
CREATE VIEW unmarked AS
SELECT written.pages AS written, s.changed_pages + s.not_visible_pages AS marked, s.pages
  FROM segments.index_status s,
       (SELECT count(DISTINCT (p.ctid::text::point)[0]) AS pages FROM person p
         WHERE p.xmin::text::bigint > (SELECT xid FROM begun)) written
 WHERE s.index = 'person_columns'::regclass AND s.uncovered_pages < s.pages AND written.pages > s.changed_pages + s.not_visible_pages;
