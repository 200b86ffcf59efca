-- Many live audiences over one table: what a command does to the table is done for all of them at once.
\pset format unaligned
\pset tuples_only on
CREATE TABLE tenants (id int PRIMARY KEY, org int, country text) PARTITION BY RANGE (id);
CREATE TABLE tenants_1 PARTITION OF tenants FOR VALUES FROM (0) TO (100);
INSERT INTO tenants SELECT n, n % 12, 'US' FROM generate_series(1, 24) n;
SELECT count(attach_audience('tenant ' || n, 'tenants', scope => jsonb_build_object('org', n))) FROM generate_series(0, 11) n;
SELECT count(set_freshness('tenant ' || n, 'live')) FROM generate_series(0, 11) n;
SELECT count(create_segment('US', '{"country": "US"}', audience => 'tenant ' || n)) FROM generate_series(0, 11) n;
SELECT watch_segment(id) FROM segments.segment WHERE audience = 'tenant 7';

-- What is shown, WRONG where there is something else, and of how many there is a count at hand.
CREATE FUNCTION tenant_counts() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(DISTINCT s.contact_count || CASE WHEN s.contact_count IS DISTINCT FROM (SELECT count(*)
        FROM segment_members(s.id)) THEN ' WRONG' ELSE '' END, ', ')
           || ' each, at hand of ' || count(c.contact_count) || ', live ' || count(*) FILTER (WHERE segments.how_kept(s.id) = 'live')
      FROM segments.segment s LEFT JOIN segments.segment_count c ON c.segment = s.id WHERE s.audience LIKE 'tenant %'
$$;
SELECT tenant_counts();

-- How often the extension writes to its tables.
CREATE TABLE tenant_writes (number bigint GENERATED ALWAYS AS IDENTITY, relation text, event text);
CREATE FUNCTION note_tenant_write() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.tenant_writes (relation, event) VALUES (TG_TABLE_NAME, TG_OP);
    RETURN NULL;
END
$$;
CREATE TRIGGER note_tenant_write AFTER UPDATE ON segments.table_config FOR EACH STATEMENT EXECUTE FUNCTION note_tenant_write();
CREATE TRIGGER note_tenant_write AFTER DELETE ON segments.segment_count FOR EACH STATEMENT EXECUTE FUNCTION note_tenant_write();
CREATE FUNCTION tenant_writes() RETURNS text LANGUAGE sql AS $$
    WITH gone AS (DELETE FROM tenant_writes RETURNING *) SELECT string_agg(relation || ' ' || event, ', ' ORDER BY number) FROM gone
$$;

ALTER TABLE tenants ADD COLUMN note text DEFAULT '';
SELECT tenant_writes(), tenant_counts();
SELECT count(*) FROM (SELECT refresh_segments('tenant ' || n) FROM generate_series(0, 11) n) r;
INSERT INTO tenants SELECT n, n % 12, 'US' FROM generate_series(36, 47) n;
SELECT tenant_counts();
SELECT count(tenant_writes()) AS writes;
ALTER TABLE tenants RENAME COLUMN note TO remark;
SELECT tenant_writes();
ALTER TABLE tenants ALTER COLUMN remark TYPE varchar;
SELECT tenant_writes(), tenant_counts();

-- Commands on other tables write nothing, and nobody's definitions are looked at again.
CREATE TABLE unrelated (id int);
ALTER TABLE unrelated ADD COLUMN name text;
ALTER TABLE unrelated RENAME TO unrelated_too;
DROP TABLE unrelated_too;
ALTER TABLE tenants ALTER COLUMN remark SET DEFAULT 'x';
SELECT tenant_writes();

-- A partition that comes or goes: what is not counted at once is counted for each reader. Watched segments are.
SELECT count(*) FROM (SELECT refresh_segments('tenant ' || n) FROM generate_series(0, 11) n) r;
CREATE TABLE tenants_2 PARTITION OF tenants FOR VALUES FROM (200) TO (300);
SELECT tenant_counts();
CREATE TABLE tenants_3 (LIKE tenants INCLUDING ALL);
INSERT INTO tenants_3 SELECT n, n % 12, 'US' FROM generate_series(300, 311) n;
ALTER TABLE tenants ATTACH PARTITION tenants_3 FOR VALUES FROM (300) TO (400);
SELECT tenant_counts();
SELECT count(*) FROM (SELECT refresh_segments('tenant ' || n) FROM generate_series(0, 11) n) r;
UPDATE tenants_3 SET country = 'DE';
SELECT tenant_counts();
ALTER TABLE tenants DETACH PARTITION tenants_3;
SELECT tenant_counts();
SELECT change, contact_id FROM segments.change ORDER BY "position";

DROP TRIGGER note_tenant_write ON segments.table_config;
DROP TRIGGER note_tenant_write ON segments.segment_count;
SELECT count(detach_audience('tenant ' || n, true)) FROM generate_series(0, 11) n;
DROP TABLE tenants, tenants_3, tenant_writes;
DROP FUNCTION tenant_counts(), note_tenant_write(), tenant_writes();
