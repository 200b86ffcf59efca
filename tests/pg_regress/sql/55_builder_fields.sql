-- What a form builder takes as its fields.
\pset format unaligned
\pset tuples_only on
CREATE TYPE plan_level AS ENUM ('free', 'pro', 'enterprise');
CREATE TABLE forms (id int PRIMARY KEY, email text, level plan_level, levels plan_level[], visits int, scores numeric[], born date, seen timestamptz,
    vip boolean, raw jsonb, "last_visit.page" text, custom jsonb);
INSERT INTO forms SELECT n, 'f' || n || '@example.com', (ARRAY['free', 'pro'])[1 + n % 2]::plan_level, '{pro}', n / 2, ARRAY[n % 2],
    date '1990-01-01' + n, '2024-01-01T10:00:00Z', true, '{}', 'home',
       jsonb_build_object('lifetime_value', n % 3 * 100, 'tags', jsonb_build_array('vip', 't' || n), 'company', jsonb_build_object('size',
           n % 2 + 10), 'odd', CASE WHEN n < 4 THEN '"text"'::jsonb ELSE '7' END, 'first_seen', '2024-05-01')
  FROM generate_series(1, 6) n;
SELECT attach_audience('forms', 'forms', properties_column => 'custom');
SELECT create_property(name, type, 'forms', label) FROM (VALUES ('lifetime_value', 'number', 'Spent so far'), ('tags', 'string[]', NULL),
    ('company.size', 'number', NULL), ('odd', 'number', NULL), ('first_seen', 'date', NULL), ('nothing', 'string', NULL)) v(name, type, label);
SELECT create_property('visits', 'number', 'forms', 'Visits, all of them');
CREATE VIEW field AS
    SELECT f ->> 'name' AS name, f ->> 'label' AS label, coalesce(f ->> 'inputType', f ->> 'valueEditorType') AS input, f ->> 'placeholder' AS placeholder,
           (SELECT string_agg(v ->> 'label', ',') FROM jsonb_array_elements(f -> 'values') v) AS "values", (SELECT string_agg(o ->> 'name', ' ')
               FROM jsonb_array_elements(f -> 'operators') o) AS operators
      FROM jsonb_array_elements(segments.builder_fields('forms')) f;
SELECT name, label, input, placeholder, "values" FROM field;
SELECT name, operators FROM field;
SELECT jsonb_pretty(segments.builder_fields('forms') -> 3);

-- Topics and segments, as soon as there are any.
SELECT count(create_segment(name, '{"visits": 1}', audience => 'forms')) FROM unnest('{Seldom,Once}'::text[]) name;
CREATE TABLE form_topics (form int REFERENCES forms, topic text);
SELECT attach_topics('forms', 'form_topics', 'form', 'topic');
SELECT slug FROM create_topic('Weekly news', 'weekly', audience => 'forms');
SELECT name, label, input, placeholder, "values", operators FROM field WHERE name LIKE '$%';

-- What each operator of each field becomes is a condition of a segment (as react-querybuilder writes it).
SELECT count(*) AS conditions, count(*) FILTER (WHERE NOT EXISTS (SELECT FROM validate_conditions(c.condition, 'forms') v
    WHERE v.severity = 'error')) AS accepted
  FROM jsonb_array_elements(segments.builder_fields('forms')) f, jsonb_array_elements(f -> 'operators') o,
       LATERAL (SELECT CASE f ->> 'inputType' WHEN 'number' THEN '1'::jsonb WHEN 'date' THEN '"2024-01-31"'
           WHEN 'datetime-local' THEN '"2024-01-31T10:00"' WHEN 'text' THEN '"x"'
                       ELSE CASE f ->> 'valueEditorType' WHEN 'checkbox' THEN 'true' ELSE f -> 'values' -> 0 -> 'name' END END AS operand) v,
       LATERAL (SELECT jsonb_build_object(f ->> 'name', CASE o ->> 'name'
            WHEN '=' THEN operand WHEN '!=' THEN jsonb_build_object('$ne', operand) WHEN '<' THEN jsonb_build_object('$lt', operand)
                WHEN '>' THEN jsonb_build_object('$gt', operand)
            WHEN '<=' THEN jsonb_build_object('$lte', operand) WHEN '>=' THEN jsonb_build_object('$gte', operand)
                WHEN 'contains' THEN jsonb_build_object('$regex', operand)
            WHEN 'beginsWith' THEN jsonb_build_object('$regex', '^' || (operand ->> 0)) WHEN 'endsWith' THEN jsonb_build_object('$regex',
                (operand ->> 0) || '$')
            WHEN 'null' THEN 'null' WHEN 'notNull' THEN '{"$ne": null}' WHEN 'in' THEN jsonb_build_object('$in', jsonb_build_array(operand))
                WHEN 'notIn' THEN jsonb_build_object('$nin', jsonb_build_array(operand))
            WHEN 'between' THEN jsonb_build_object('$gte', operand, '$lte', operand)
            ELSE jsonb_build_object('$not', jsonb_build_object('$regex', operand)) END) AS condition) c
 WHERE o ->> 'name' <> 'notBetween';

-- Any scope will do; examples are of columns that the caller may SELECT, and of rows that they see.
CREATE ROLE regress_form_writer;
SELECT grant_segments_access('regress_form_writer', 'write:contacts', 'forms');
REVOKE ALL ON forms FROM regress_form_writer;
GRANT SELECT ON field TO regress_form_writer;
CREATE FUNCTION fields() RETURNS TABLE (name text, placeholder text) LANGUAGE sql AS $$ SELECT f ->> 'name', f ->> 'placeholder'
    FROM jsonb_array_elements(segments.builder_fields('forms')) f $$;
SET ROLE regress_form_writer;
SELECT count(*) AS fields, count(placeholder) AS examples FROM fields();
RESET ROLE;
GRANT SELECT (id, visits) ON forms TO regress_form_writer;
SET ROLE regress_form_writer;
SELECT * FROM fields() WHERE placeholder IS NOT NULL;
RESET ROLE;
ALTER TABLE forms ENABLE ROW LEVEL SECURITY;
CREATE POLICY last ON forms USING (id = 6);
SET ROLE regress_form_writer;
SELECT * FROM fields() WHERE placeholder IS NOT NULL;
RESET ROLE;
SELECT revoke_segments_access('regress_form_writer', 'write:contacts', 'forms');
SET ROLE regress_form_writer;
SELECT segments.builder_fields('forms');
RESET ROLE;
SELECT segments.builder_fields('form');
SELECT segments.builder_fields(NULL);
REVOKE ALL ON forms, field FROM regress_form_writer;
DROP ROLE regress_form_writer;
DROP FUNCTION fields();
DROP VIEW field;
SELECT detach_audience('forms', true);
DROP TABLE form_topics, forms;
DROP TYPE plan_level;
