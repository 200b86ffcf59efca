-- How the oracle `server` asks, in a database of its own. server.mjs makes tables that are audiences of the same name, and of each
-- the view `NAME_asked`.

CREATE TABLE asked (number int, document jsonb, condition text);

-- For the operator: by a scan, and through either class of GIN.
CREATE TABLE scanned (id int, document jsonb);
CREATE TABLE by_key (LIKE scanned);
CREATE TABLE by_path (LIKE scanned);
CREATE INDEX ON by_key USING gin (document jsonb_ops);
CREATE INDEX ON by_path USING gin (document jsonb_path_ops);

-- The conditions on the audience, as SQL.
CREATE TABLE stated (number int, sql text);

-- What each way finds: the numbers of the documents as an array, or what is wrong.
CREATE TABLE found (number int, way text, numbers text);

-- Of some that an index may serve, whether one did; of a condition that the audience refused, none.
CREATE TABLE planned (way text, is_indexed boolean);

CREATE FUNCTION numbers(relation text, condition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    numbers int[];
BEGIN
    EXECUTE format('SELECT array_agg(id ORDER BY id) FROM %I WHERE %s', relation, condition) INTO numbers;
    RETURN coalesce(numbers, '{}');
EXCEPTION WHEN OTHERS THEN
    RETURN format('%s, from %s', SQLERRM, condition);
END
$$;

CREATE FUNCTION is_indexed(relation text, condition text) RETURNS boolean STRICT LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE format('EXPLAIN (FORMAT json) SELECT FROM %I WHERE %s', relation, condition) INTO plan;
    RETURN plan::text LIKE '%Index Scan%';
END
$$;

-- NULL where the audience refuses the condition, as happens while one is shrunk.
CREATE FUNCTION as_sql(condition text, audience text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN conditions_sql(condition::segment_condition, audience);
EXCEPTION WHEN datatype_mismatch OR undefined_column OR feature_not_supported THEN
    RETURN NULL;
END
$$;

-- How many contacts satisfy each condition, all of them counted in one pass.
CREATE FUNCTION counts(of_audience text) RETURNS TABLE (number int, contact_count bigint, message text) LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE segments.segment_config CASCADE;
    INSERT INTO segments.segment_config (id, audience, name, conditions, time_zone)
    SELECT gen_random_uuid(), of_audience, s.number, a.condition::segment_condition, 'UTC'
      FROM stated s JOIN asked a USING (number);
    RETURN QUERY
    SELECT s.name::int, r.contact_count, coalesce(r.error, r.contact_count || ' counted')
      FROM refresh_segments(of_audience) r JOIN segments.segment_config s ON s.id = r.segment;
END
$$;

-- Puts each condition of `asked` to each document there, and to each as a row of the audience, if there is one: whether the
-- condition's own document matches, or what each way finds where they differ.
CREATE FUNCTION answers(audience text) RETURNS TABLE (answer json) LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE scanned, by_key, by_path, stated, found;
    INSERT INTO scanned SELECT a.number, a.document FROM asked a;
    INSERT INTO by_key TABLE scanned;
    INSERT INTO by_path TABLE scanned;
    ANALYZE scanned, by_key, by_path;
    IF audience IS NOT NULL THEN
        EXECUTE format('TRUNCATE %1$I; INSERT INTO %1$I TABLE %2$I; ANALYZE %1$I', audience, audience || '_asked');
        INSERT INTO stated SELECT a.number, as_sql(a.condition, audience) FROM asked a;
        DELETE FROM stated s WHERE s.sql IS NULL;
    END IF;

    SET LOCAL enable_indexscan = off;
    SET LOCAL enable_bitmapscan = off;
    INSERT INTO found SELECT a.number, 'scan', numbers('scanned', format('document @~ %L', a.condition)) FROM asked a;
    INSERT INTO found SELECT s.number, 'columns', numbers(audience, s.sql) FROM stated s;

    SET LOCAL enable_indexscan = on;
    SET LOCAL enable_bitmapscan = on;
    SET LOCAL enable_seqscan = off;
    INSERT INTO found SELECT a.number, 'jsonb_ops', numbers('by_key', format('document @~ %L', a.condition)) FROM asked a;
    INSERT INTO found SELECT a.number, 'jsonb_path_ops', numbers('by_path', format('document @~ %L', a.condition)) FROM asked a;
    INSERT INTO found SELECT s.number, 'indexes', numbers(audience, s.sql) FROM stated s;
    INSERT INTO planned
    SELECT w.way, coalesce(is_indexed(w.relation, w.condition), false)
      FROM asked a LEFT JOIN stated s USING (number),
           LATERAL (VALUES ('jsonb_ops', 'by_key', format('document @~ %L', a.condition)),
                           ('jsonb_path_ops', 'by_path', format('document @~ %L', a.condition)),
                           (format('indexes of %s', audience), audience, s.sql)) w(way, relation, condition)
     WHERE a.number % 10 = 0 AND w.relation IS NOT NULL;
    SET LOCAL enable_seqscan = on;

    IF audience IS NOT NULL THEN
        INSERT INTO found
        SELECT f.number, 'counts', CASE WHEN c.contact_count = cardinality(f.numbers::int[]) THEN f.numbers ELSE c.message END
          FROM found f JOIN counts(audience) c USING (number) WHERE f.way = 'columns' AND f.numbers LIKE '{%';
    END IF;

    RETURN QUERY
    SELECT json_build_object('number', f.number, 'finds',
               CASE WHEN count(DISTINCT f.numbers) = 1 AND min(f.numbers) LIKE '{%' THEN to_json(f.number = ANY (min(f.numbers)::int[]))
                    ELSE json_object_agg(f.way, f.numbers ORDER BY f.way) END)
      FROM found f GROUP BY f.number;
END
$$;
