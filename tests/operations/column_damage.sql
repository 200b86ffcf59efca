-- A table with columns of which the index stores something else than what conditions compare, and many column indexes on it.
CREATE EXTENSION segments;
CREATE TYPE mind AS ENUM ('glad', 'sad');
CREATE TABLE contacts (id int PRIMARY KEY, state mind, states mind[], tags text[], amounts numeric[], moments timestamptz[], note text,
                       address inet, raw json, properties jsonb) WITH (autovacuum_enabled = off, fillfactor = 90);
INSERT INTO contacts
SELECT n, (ARRAY['glad', 'sad', NULL])[1 + n % 3]::mind, ARRAY[(ARRAY['glad', 'sad'])[1 + n % 2]]::mind[], ARRAY['t' || n % 5, NULL, 't' || n % 7],
       ARRAY[n / 7.0], ARRAY[timestamptz '2024-01-01 00:00Z' + n * interval '1 hour'], 'x' || n, ('10.0.0.' || n % 30)::inet,
       json_build_object('n', n % 11), jsonb_build_object('plan', (ARRAY['free', 'pro'])[1 + n % 2], 'n', n, 'list', jsonb_build_array(n % 5))
  FROM generate_series(1, 4000) n;
VACUUM contacts;
SELECT attach_audience('contacts', 'contacts', properties_column => 'properties');
SELECT create_property('plan', 'string', 'contacts');
SELECT format('CREATE INDEX contacts_%s ON contacts USING segments (state, states, tags, amounts, moments, note, address, raw, properties, id)', n)
  FROM generate_series(1, :indexes) n
\gexec
CHECKPOINT;
\pset format unaligned
\pset tuples_only on
SELECT relname || ' ' || pg_relation_filepath(oid) FROM pg_class WHERE relname ~ '^contacts_\d+$';
