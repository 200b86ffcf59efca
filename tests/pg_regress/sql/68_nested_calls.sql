-- Functions of the extension called by code of users that another function of the extension runs.
\pset format unaligned
\pset tuples_only on
SELECT create_contacts('nested');
INSERT INTO nested (email) VALUES ('a@example.com');
SELECT slug FROM create_topic('News', audience => 'nested');
SELECT name FROM create_segment('Everyone', '{}', audience => 'nested');
CREATE TABLE seen (name text, members bigint);
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO seen SELECT s.name, (SELECT count(*) FROM segment_members(s.id, NULL::uuid))
      FROM segments.segment g, get_segment(g.id) s WHERE g.audience = 'nested';
    RETURN NULL;
END $$;
CREATE TRIGGER see AFTER INSERT ON nested_topics FOR EACH STATEMENT EXECUTE FUNCTION see();
SELECT subscribe_contact(id, 'news', 'nested') FROM nested;
SELECT * FROM seen;

SELECT count(delete_segment(id)) FROM segments.segment WHERE audience = 'nested';
SELECT detach_audience('nested');
DROP TABLE nested, nested_topics, seen;
DROP FUNCTION see();
