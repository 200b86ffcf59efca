-- No topic and any topic; in any of several segments and in none.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY default
SELECT create_contacts('fans');
CREATE FUNCTION fan(n int) RETURNS uuid LANGUAGE sql AS $$ SELECT format('00000000-0000-0000-0000-%s', lpad(n::text, 12, '0'))::uuid $$;
INSERT INTO fans (id, email, country) SELECT fan(n), 'f' || n, (ARRAY['US', 'DE'])[1 + n % 2] FROM generate_series(1, 8) n;

-- Without a topic nobody is subscribed to any, whatever the rows say.
INSERT INTO fan_topics (contact_id, topic) VALUES (fan(1), 'later'), (fan(2), 'never');
CREATE FUNCTION of_fans(condition text) RETURNS text LANGUAGE sql AS $$ SELECT string_agg(c ->> 'email', ' ' ORDER BY c ->> 'email')
    FROM search_contacts($1, 'fans') c $$;
SELECT of_fans('{"$topic": {"$exists": true}}') AS any, of_fans('{"$topic": {"$exists": false}}') AS none;
SELECT contact_count FROM create_segment('Any', '{"$topic": {"$exists": true}}', audience => 'fans');
SELECT contact_count FROM create_segment('No topic', '{"$not": {"$topic": {"$exists": true}}}', audience => 'fans');
SELECT contact_count FROM create_segment('Americans', '{"country": "US"}', audience => 'fans');
SELECT contact_count FROM create_segment('Silent Americans', '{"$segment": "Americans", "$nor": [{"$segment": "Any"}]}', audience => 'fans');
SELECT in_segment(fan(1), 'Any') AS before_topic;
-- A topic that comes makes these rows count at once, live as well.
SELECT slug FROM create_topic('Later', audience => 'fans');
SELECT in_segment(fan(1), 'Any') AS after_topic;
SELECT name, contact_count FROM segments.segment WHERE audience = 'fans' ORDER BY id;
SELECT set_freshness('fans', 'live');
SELECT watch_segment(s.id) FROM segments.segment s WHERE audience = 'fans' AND name IN ('Any', 'Silent Americans');
SELECT slug FROM create_topic('Never', audience => 'fans');
SELECT slug FROM create_topic('Weekly', audience => 'fans');
SELECT counts_of('fans');
SELECT subscribe_contact(fan(n), 'weekly', 'fans') FROM generate_series(3, 5) n;
SELECT counts_of('fans');
INSERT INTO fan_topics (contact_id, topic) VALUES (fan(6), 'unheard of');
DELETE FROM fan_topics WHERE contact_id IN (fan(1), fan(4));
UPDATE fan_topics SET topic = 'later' WHERE topic = 'unheard of';
UPDATE fans SET country = 'DE' WHERE id = fan(6);
DELETE FROM fans WHERE id = fan(5);
SELECT counts_of('fans');
SELECT s.name, c.contact_id, c.change FROM segment_changes() c JOIN segments.segment s ON s.id = c.segment ORDER BY s.name, c."position";
SELECT error FROM refresh_segments('fans') WHERE error IS NOT NULL;
SELECT counts_of('fans');
SELECT conditions_sql('{"$topic": {"$exists": false}}', 'fans');
SELECT path, condition, value, matches FROM explain_match(fan(3), (SELECT id FROM segments.segment WHERE name = 'No topic' AND audience = 'fans'));

-- In any, in none, in this and not in that.
SELECT contact_count FROM create_segment('Everybody', '{"$segment": {"$in": ["Any", "No topic"]}}', audience => 'fans');
SELECT contact_count FROM create_segment('Nobody', '{"$segment": {"$nin": ["Any", "No topic"]}}', audience => 'fans');
SELECT contact_count FROM create_segment('Other Americans', '{"$segment": {"$eq": "Americans", "$ne": "Any"}}', audience => 'fans');
SELECT of_fans('{"$segment": {"$in": []}}') AS in_none, of_fans('{"$segment": {"$nin": []}}') AS not_in_any;
SELECT of_fans('{"$segment": {"$in": ["Americans", "Any"], "$nin": ["Silent Americans"]}}') AS fans;
SELECT conditions_sql('{"$segment": {"$nin": ["Americans", "Any"]}}', 'fans');
SELECT path, condition, matches FROM explain_match(fan(3), (SELECT id FROM segments.segment WHERE name = 'Nobody' AND audience = 'fans'));
SELECT path, condition, matches FROM explain_match(fan(8), (SELECT id FROM segments.segment WHERE name = 'Other Americans' AND audience = 'fans'));

-- Each reference is one: it is followed, kept up, told of and in the way.
SELECT count(update_segment((SELECT id FROM segments.segment WHERE name = 'Americans' AND audience = 'fans'),
    '{"name": "Germans", "conditions": {"country": "DE"}}'));
SELECT name, conditions FROM segments.segment WHERE audience = 'fans' AND conditions::text LIKE '%Germans%' ORDER BY id;
SELECT counts_of('fans');
SELECT delete_segment(id) FROM segments.segment WHERE name = 'Any' AND audience = 'fans';
SELECT delete_segment(id) FROM segments.segment WHERE name = 'No topic' AND audience = 'fans';
SELECT update_segment(id, '{"conditions": {"$segment": {"$nin": ["Nobody"]}}}') FROM segments.segment WHERE name = 'No topic' AND audience = 'fans';
SELECT create_segment('x', '{"$segment": {"$nin": ["Germans", "Nobodi"]}}', audience => 'fans');
SELECT path, severity, message FROM
    validate_conditions('{"$and": [{"$segment": {"$in": ["Gone", "Any"]}}, {"$topic": {"$exists": 2}}, {"$topic": {"$all": []}}]}', 'fans');
SELECT path, severity, message FROM validate_conditions('{"$segment": {"$nin": []}}', 'fans');
SELECT '{}'::jsonb @~ '{"$topic": {"$exists": true}}';
SELECT '{}'::jsonb @~ '{"$segment": {"$nin": ["x"]}}';

-- A scope of an audience may ask for any topic: its segments are counted anew.
SELECT attach_audience('reachable', 'fans', properties_column => 'properties', scope => '{"$topic": {"$exists": true}}');
SELECT attach_topics('reachable', 'fan_topics', 'contact_id', 'topic');
SELECT contact_count FROM create_segment('All', '{"email": {"$exists": true}}', audience => 'reachable');
SELECT slug FROM create_topic('Later', audience => 'reachable');
SELECT contact_count FROM get_segment('All', 'reachable');
SELECT detach_audience('reachable', true);

SELECT detach_audience('fans', true);
DROP FUNCTION of_fans, fan;
DROP TABLE fan_topics, fans;
