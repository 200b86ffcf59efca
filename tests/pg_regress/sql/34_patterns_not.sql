-- Patterns that say "not" are read alike by every path: @~, SQL over columns and properties, counts kept live, and one contact.
\pset format unaligned
\pset tuples_only on
CREATE TABLE lettered (id bigint PRIMARY KEY, mail text, code varchar(20) COLLATE "C", tags text[], properties jsonb NOT NULL);
CREATE INDEX ON lettered (mail text_pattern_ops);
CREATE INDEX ON lettered (code);
CREATE INDEX ON lettered USING gin (properties);
CREATE INDEX ON lettered (property_text(properties, 'plan') COLLATE "C");
SELECT attach_audience('lettered', 'lettered', properties_column => 'properties');
SELECT create_property('plan', 'string', 'lettered');
SELECT create_property('words', 'string[]', 'lettered');
SELECT count(create_segment(field || ' ' || pattern, format('{%s: {"$regex": %s}}', to_json(field), to_json(pattern)), audience => 'lettered'))
FROM (VALUES ('mail'), ('code'), ('tags'), ('plan'), ('words')) fields(field),
     (VALUES ('^(?!ab)'), ('^(?!ab)[^b]*$'), ('(?<!\Qb.org\E)$'), ('^((?!ab).)*$')) patterns(pattern);
SELECT set_freshness('lettered', 'live');
INSERT INTO lettered VALUES
    (1, 'ann@b.org', 'ab', '{ab}', '{"plan": "ab", "words": ["ab"]}'),
    (2, 'cab@web.com', 'ba', '{ab,x}', '{"plan": "xab", "words": ["ab", "x"]}'),
    (3, NULL, NULL, NULL, '{"plan": null}'),
    (4, '', '', '{}', '{"words": []}'),
    (5, E'a\nb@b.org', E'x\ny', ARRAY[NULL, 'ba'], '{"plan": "x\ny", "words": [5, "bbxorg"]}');
SET enable_seqscan = off;
SELECT s.name, s.contact_count AS live, count_contacts(s.conditions, 'lettered') AS counted,
       array(SELECT segment_members(s.id, NULL::bigint) ORDER BY 1) AS members,
       array(SELECT l.id FROM lettered l WHERE EXISTS (SELECT FROM contact_segments(l.id, 'lettered') c WHERE c.id = s.id) ORDER BY 1) AS one_by_one
FROM segments.segment s WHERE audience = 'lettered' ORDER BY s.name COLLATE "C";
-- What is kept is the text as it was written.
SELECT conditions FROM segments.segment WHERE name = 'mail (?<!\Qb.org\E)$';
SELECT path, value, matches FROM explain_match(2, (SELECT id FROM segments.segment WHERE name = 'mail ^((?!ab).)*$'));

-- Refused by name.
\set VERBOSITY default
SELECT count_contacts('{"mail": {"$regex": "a\\<b"}}', 'lettered');
SELECT severity, path, sqlstate, message FROM validate_conditions('{"mail": {"$regex": "^(?!a)", "$options": "m"}}', 'lettered');
DROP TABLE lettered CASCADE;
