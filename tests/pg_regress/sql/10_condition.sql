-- The type segment_condition and the operator @~.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY default

-- Input is checked and made canonical: keys in jsonb's order, numbers as they are meant.
SELECT '{"plan":"pro","age":{"$gte":18,"$lt":1e2}}'::segment_condition;
SELECT '{"n": 9007199254740993}'::segment_condition, '{"n": 1.500}'::segment_condition;

-- Every form of argument resolves.
SELECT doc @~ '{"a": 5}' AS untyped, doc @~ text '{"a": 5}' AS text, doc @~ varchar '{"a": 5}' AS varchar,
       doc @~ json '{"a": 5}' AS json, doc @~ jsonb '{"a": 5}' AS jsonb, '{"a": 5}' ~@ doc AS commutator
FROM (VALUES (jsonb '{"a": 5}')) v(doc);
SELECT '{"a": 5}' @~ '{"a": 5}' AS all_untyped;
PREPARE matching AS SELECT jsonb '{"a": 5}' @~ $1;
EXECUTE matching('{"a": 5}');
PREPARE matching_text(text) AS SELECT jsonb '{"a": 5}' @~ $1;
EXECUTE matching_text('{"a": 6}');
PREPARE matching_jsonb(jsonb) AS SELECT jsonb '{"a": 5}' @~ $1;
EXECUTE matching_jsonb('{"a": {"$gt": 1}}');

-- As jsonb and json, and in binary.
SELECT ('{"a": 5}'::segment_condition)::jsonb -> 'a' AS jsonb, ('{"a": 5}'::segment_condition)::json ->> 'a' AS json;
CREATE TABLE condition_copy (c segment_condition);
INSERT INTO condition_copy VALUES ('{"a": {"$in": [1, "x", null]}}');
SELECT current_setting('data_directory') || '/condition_copy' AS file \gset
COPY condition_copy TO :'file' (FORMAT binary);
TRUNCATE condition_copy;
COPY condition_copy FROM :'file' (FORMAT binary);
TABLE condition_copy;
DROP TABLE condition_copy;

-- It takes no operator away from json and jsonb.
\set VERBOSITY terse
SELECT json '{"a": 1}' = json '{"a": 1}'; -- as without the extension
\set VERBOSITY default
SELECT jsonb '{"a": 1}' = '{"a": 1}', jsonb '{"a": 1}' @> '{"a": 1}', jsonb '{"a": 1}' @@ '$.a == 1';

-- What a condition means, in one table: missing values, arrays, types, paths.
SELECT c AS condition, array_agg(d ORDER BY d::text COLLATE "C") FILTER (WHERE d @~ c) AS matched
FROM (VALUES (1, '{"a": 1}'), (2, '{"a": null}'), (3, '{"a": {"$ne": 1}}'), (4, '{"a": {"$gt": 0}}'), (5, '{"a": {"$exists": true}}'),
             (6, '{"a.b": 1}'), (7, '{"a": {"$size": 2}}'), (8, '{"a": {"$all": [1, 2]}}'), (9, '{"a": {"$elemMatch": {"$gt": 1, "$lt": 3}}}'),
             (10, '{"$nor": [{"a": 1}, {"a": null}]}'), (11, '{"a": {"$type": "string"}}'), (12, '{"a": {"$regex": "^X", "$options": "i"}}'),
             (13, '{"a": {"$contains": "y"}}'), (14, '{"a": {"$empty": true}}'), (15, '{"a": {"$as": "number", "$ne": 1}}')) conditions(n, c),
     (VALUES (jsonb '{}'), ('{"a": null}'), ('{"a": 1}'), ('{"a": 1.0}'), ('{"a": [1, 2]}'), ('{"a": "xy"}'), ('{"a": {"b": 1}}'),
         ('{"a": [{"b": 1}, 5]}')) documents(d)
GROUP BY n, c ORDER BY n;

-- Errors: SQLSTATE, where, and the way out.
\set SHOW_CONTEXT never
SELECT '{"a": '::segment_condition;
SELECT '{"a": {"$gtt": 1}}'::segment_condition;
SELECT '{"a": 1, "a": 2}'::segment_condition;
SELECT '{"$and": []}'::segment_condition;
SELECT '{"a": {"$gt": null}}'::segment_condition;
SELECT '{"a": {"$regex": "(?=x)"}}'::segment_condition;
SELECT '{"a": {"$as": "number", "$gt": "x"}}'::segment_condition;
SELECT '{"$gt": 5}'::segment_condition;
SELECT '{"a": "\u0000"}'::segment_condition;
SELECT (repeat('{"$not":', 65) || '{"a": 1}' || repeat('}', 65))::segment_condition;
SELECT jsonb '{}' @~ '{"$topic": "weekly"}';
SELECT jsonb '{}' @~ '{"a": {"$gt": {"$now": "-1 day"}}}';
-- Of a condition in a row nothing is told.
SELECT count(*) FROM (VALUES ('{"a": 1}'::text), ('{"$topic": "secret"}')) v(c) WHERE jsonb '{}' @~ c;

-- The operator never raises because of a document, whatever it is.
SELECT d, d @~ '{"a": {"$gte": {"$date": "2024-01-01"}}}' AS on_date
FROM (VALUES (jsonb '5'), ('null'), ('[]'), ('"x"'), ('{"a": "2024-13-45"}'), ('{"a": "2024-02-30"}'), ('{"a": "2024-02-29"}')) v(d);

-- Functions behind it are what a planner and row security need them to be.
SELECT oprname, oprcom::regoperator, provolatile, proisstrict, proleakproof, proparallel
FROM pg_operator o JOIN pg_proc p ON p.oid = o.oprcode
WHERE oprname IN ('@~', '~@') ORDER BY oprname;
