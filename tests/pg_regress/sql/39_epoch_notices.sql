-- What is said of numbers that are dates: inferred by their size, noticed where their unit is wrong, explained, and asked for in forms.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY default
SET client_min_messages = notice;
CREATE TABLE dated (id int PRIMARY KEY, note text, number bigint, lasts interval, opens time, price money, address inet, properties jsonb);
INSERT INTO dated
SELECT n, 'x', 1704067200 + n, '1 day', '10:00', 5, '10.0.0.1', jsonb_build_object(
    'seconds', 1704067200 + n * 3600.5, 'millis', 1704067200000 + n * 3600001, 'days', 1704067200000 + n * 86400000::bigint,
    'day_seconds', 1704067200 + n * 86400, 'text or millis', CASE WHEN n % 2 = 0 THEN '"2024-01-01"' ELSE '1704067200000' END::jsonb,
    'text or seconds', CASE WHEN n % 2 = 0 THEN '"2024-01-01"' ELSE '1704067201' END::jsonb, 'list', jsonb_build_array(1704067200 + n, 1704067200),
    'phone', 2125550000 + n * 50000001::bigint, 'both', CASE WHEN n % 2 = 0 THEN 1704067201 ELSE 1704067200001 END, 'count', n,
    'born', -86400000::bigint * n, 'before', 999999999, 'after', 4102444800000, 'micros', 1704067200000000 + n, 'old', n, 'nobody', NULL)
  FROM generate_series(1, 50) n;
INSERT INTO dated VALUES (51, NULL, NULL, NULL, NULL, NULL, NULL, '{"huge": 1e300, "old": "2024-01-01"}');
SELECT attach_audience('dated', 'dated', properties_column => 'properties');
SELECT name, type FROM infer_properties('dated') ORDER BY name;

-- A notice where the unit is wrong.
SELECT create_property('seconds', 'timestamp', 'dated');
SELECT drop_property('seconds', 'dated'), create_property('seconds', 'timestamp(seconds)', 'dated');
SELECT create_property('millis', 'date(seconds)', 'dated');
SELECT drop_property('millis', 'dated'), create_property('millis', 'timestamp', 'dated');
SELECT create_property('micros', 'timestamp', 'dated');
SELECT create_property('old', 'date(seconds)', 'dated');
SELECT create_property('list', 'timestamp[]', 'dated');
SELECT create_property('days', 'date', 'dated'), create_property('born', 'date', 'dated'), create_property('count', 'number', 'dated');
SELECT c, path, message, hint FROM unnest(ARRAY['{"seconds": {"$gte": "2024-01-01"}}', '{"millis": "2024-01-01"}', '{"micros": {"$lt": "2024-01-01"}}',
    '{"old": "2024-01-01"}', '{"list": "2024-01-01"}', '{"micros": {"$exists": true}}']) c, validate_conditions(c, 'dated');

-- The end of January 1970, and of the year 5000.
UPDATE dated SET properties = '{"millis": 2678399999.9, "seconds": 95649120000}' WHERE id = 1;
UPDATE dated SET properties = '{"millis": 2678400000, "seconds": 95649119999.9}' WHERE id = 2;
SELECT path, message FROM validate_conditions('{"millis": "2024-01-01", "seconds": "2024-01-01"}', 'dated');

-- A contact's number, as a date; and as users of a form type it.
SELECT contact_count FROM create_segment('Late', '{"seconds": {"$gte": "2024-01-02"}, "days": "2024-01-28"}', audience => 'dated');
SELECT id, path, value, matches, note FROM unnest('{27,3,1,51}'::int[]) id, explain_match(id, 'Late') WHERE path ~ '^/.';
SELECT field -> 'name', field -> 'inputType', field -> 'placeholder', jsonb_path_query_array(field, '$.operators[*].name')
  FROM jsonb_array_elements(segments.builder_fields('dated')) field WHERE field ->> 'inputType' ~ 'date' ORDER BY 1;

-- Types that JSON lacks are refused by name, and no property takes the name of such a column. A column of numbers stays one of numbers.
SELECT path, message, hint FROM validate_conditions('{"lasts": "1 day", "opens": "10:00", "price": 5, "address": "10.0.0.1"}', 'dated');
SELECT create_property('lasts', 'string', 'dated');
SELECT create_property('price.amount', 'number', 'dated');
SELECT create_property('number', 'timestamp(seconds)', 'dated');
SELECT path, message FROM validate_conditions('{"number": {"$as": "timestamp(seconds)", "$gte": "2024-01-01"}}', 'dated');
SELECT count_contacts('{"address": {"$startsWith": "10."}}', 'dated');
SELECT detach_audience('dated', true);
DROP TABLE dated;
