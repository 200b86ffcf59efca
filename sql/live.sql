-- Live counts: each statement records in its transaction by how much it changed them.

-- One row for each statement that changed a count. Only triggers write it. A count is its base in segments.segment_count and these deltas.
CREATE TABLE segments.count_delta (
    audience text NOT NULL,
    segments uuid[] NOT NULL,
    deltas bigint[] NOT NULL
) WITH (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);
-- For DELETE under a publication FOR ALL TABLES, as for segments.access.
ALTER TABLE segments.count_delta REPLICA IDENTITY FULL;

-- The tables that have the triggers: those of live audiences' contacts, subscriptions and relations, each with its partitions and other parts.
CREATE TABLE segments.live_table (
    root regclass NOT NULL,
    part regclass NOT NULL,
    -- In the row of the root itself: the reasons why triggers do not keep counts now. They are parts whose triggers are disabled, owners of
    -- contacts who are subject to row security, and whether rows change without firing a trigger
    silent oid[] NOT NULL DEFAULT '{}',
    restricted oid[] NOT NULL DEFAULT '{}',
    obstructed boolean NOT NULL DEFAULT false,
    PRIMARY KEY (root, part)
);
SELECT pg_catalog.pg_extension_config_dump('segments.live_table', '');

-- Segments whose entries and exits are recorded, or were recorded once.
CREATE TABLE segments.watch_config (
    segment uuid PRIMARY KEY REFERENCES segments.segment_config ON DELETE CASCADE,
    watched boolean NOT NULL
);
SELECT pg_catalog.pg_extension_config_dump('segments.watch_config', '');

-- The members that refreshes have found of watched segments whose entries and exits no trigger records. The next refresh compares. They are not
-- dumped: after a restore, watching begins anew with the members of the first refresh. Nobody is granted anything on them.
CREATE TABLE segments.member_set (
    segment uuid PRIMARY KEY REFERENCES segments.watch_config ON DELETE CASCADE,
    -- How the ids are stored (src/core/members.rs)
    ids text NOT NULL CHECK (ids IN ('integer', 'uuid', 'text'))
);

-- The ids in the order of their bytes. A chunk has those from its key up to the key of the next one; what it has beyond that does not count.
CREATE TABLE segments.member_chunk (
    segment uuid NOT NULL REFERENCES segments.member_set ON DELETE CASCADE,
    key bytea NOT NULL,
    members bytea NOT NULL,
    PRIMARY KEY (segment, key)
) WITH (toast_tuple_target = 8160);
-- They cannot be compressed further, and a chunk of usual size stays in its row.
ALTER TABLE segments.member_chunk ALTER key SET STORAGE PLAIN, ALTER members SET STORAGE EXTERNAL;

-- Entries and exits, each written by the transaction that made it. They are not dumped, because the numbers mean nothing on another
-- server.
CREATE TABLE segments.change_record (
    transaction xid8 NOT NULL,
    -- The number that the next transaction was to get when this was recorded. Readers go by it: changes of one contact
    -- wait for each other, so it grows with each of them, and once every transaction with a lower number is over,
    -- no change can come before this one any more.
    horizon xid8 NOT NULL,
    sequence bigint GENERATED ALWAYS AS IDENTITY,
    segment uuid NOT NULL,
    contact_id text NOT NULL,
    change text NOT NULL CHECK (change IN ('entered', 'exited')),
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (transaction, sequence)
);
CREATE INDEX change_record_position ON segments.change_record (horizon, sequence);

-- The name of this database's record of changes, which every position contains. There is one row once a segment is watched.
CREATE TABLE segments.change_log (
    name text PRIMARY KEY,
    -- The newest position that the worker has announced with NOTIFY
    announced text
);
CREATE FUNCTION segments.name_change_log() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO segments.change_log (name)
    SELECT left(replace(gen_random_uuid()::text, '-', ''), 8) WHERE NOT EXISTS (SELECT FROM segments.change_log);
    RETURN NULL;
END
$$;
CREATE TRIGGER name_change_log AFTER INSERT ON segments.watch_config
    FOR EACH STATEMENT EXECUTE FUNCTION segments.name_change_log();
ALTER TABLE segments.watch_config ENABLE ALWAYS TRIGGER name_change_log;

CREATE FUNCTION segments.keep_counts() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'segments_keep_counts';
COMMENT ON FUNCTION segments.keep_counts() IS 'The function of the triggers that keep live counts; set_freshness() creates them.';

-- Backends cache what they have compiled from definitions. These triggers tell every session when a definition changes.
CREATE FUNCTION segments.definitions_changed() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'segments_definitions_changed';
-- Logical replication fires only row triggers, and statement triggers for TRUNCATE, and only those that are enabled for replicas.
DO $$
DECLARE
    definitions text;
BEGIN
    FOREACH definitions IN ARRAY '{audience_config,table_config,property_config,topic_config,relation_config,segment_config,segment_reference,watch_config}'::pg_catalog.text[] LOOP
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER definitions_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON segments.%1$I
                 FOR EACH STATEMENT EXECUTE FUNCTION segments.definitions_changed();
             CREATE TRIGGER definitions_replicated AFTER INSERT OR UPDATE OR DELETE ON segments.%1$I
                 FOR EACH ROW EXECUTE FUNCTION segments.definitions_changed();
             ALTER TABLE segments.%1$I ENABLE ALWAYS TRIGGER definitions_changed, ENABLE REPLICA TRIGGER definitions_replicated', definitions);
    END LOOP;
END
$$;

CREATE FUNCTION segments.fold_counts() RETURNS bigint
    LANGUAGE c AS 'MODULE_PATHNAME', 'fold_counts_wrapper';
COMMENT ON FUNCTION segments.fold_counts() IS
    'Adds the recorded deltas to the counts, which no reader notices. Returns how many rows of segments.count_delta it has added.';

CREATE FUNCTION segments.how_kept(segment uuid) RETURNS text
    LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'how_kept_wrapper';
COMMENT ON FUNCTION segments.how_kept(uuid) IS
    'live: triggers keep the count. periodic: it is refreshed from time to time, as is also a segment of a live audience that has dates relative to now.';

CREATE FUNCTION segments.why_periodic(segment uuid) RETURNS text
    LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'why_periodic_wrapper';
COMMENT ON FUNCTION segments.why_periodic(uuid) IS
    'Why triggers do not keep the count of a segment of a live audience. NULL if they do, and if the audience is periodic.';

CREATE FUNCTION set_freshness(audience text, freshness text) RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'set_freshness_wrapper';
COMMENT ON FUNCTION set_freshness(text, text) IS
    'Says how the counts of an audience are kept. periodic: they are refreshed from time to time. live: triggers on the table keep them, exact in every snapshot.';

CREATE FUNCTION segments.prune_changes() RETURNS bigint
    LANGUAGE c AS 'MODULE_PATHNAME', 'prune_changes_wrapper';
COMMENT ON FUNCTION segments.prune_changes() IS
    'Deletes entries and exits that are older than the setting segments.change_retention, and returns how many those were.';

CREATE FUNCTION watch_segment(segment uuid, watched boolean DEFAULT true) RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'watch_segment_wrapper';
COMMENT ON FUNCTION watch_segment(uuid, boolean) IS
    'Records the entries and exits of a segment, which segment_changes() returns, or stops recording them. If triggers keep its count, they record them; otherwise each refresh compares the members with those that the one before has found.';

CREATE FUNCTION segment_changes(after text DEFAULT NULL, page_size int DEFAULT 1000)
    RETURNS TABLE ("position" text, segment uuid, contact_id text, change text, changed_at timestamptz)
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'segment_changes_wrapper';
COMMENT ON FUNCTION segment_changes(text, int) IS
    'Entries and exits of watched segments after a position, oldest first. A change is shown once every transaction is over that was writing when it was made, so nothing can appear later before a position that was handed out.';

CREATE FUNCTION segments.newest_position() RETURNS text
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'newest_position_wrapper';
COMMENT ON FUNCTION segments.newest_position() IS
    'The position behind every entry and exit that segment_changes() returns now. A reader that starts from now takes it first, then reads the members, and then the changes after it.';

CREATE VIEW segments.change WITH (security_invoker) AS
SELECT c."position", c.segment, c.contact_id, c.change, c.changed_at FROM @extschema@.segment_changes(NULL, NULL) c;
COMMENT ON VIEW segments.change IS 'Entries and exits of the watched segments whose members the caller may count and identify.';

CREATE FUNCTION segments.keep_parts() RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'keep_parts_wrapper';
COMMENT ON FUNCTION segments.keep_parts() IS
    'Adapts live counts and their triggers to the present tables and partitions. It is called after commands that change these.';

-- An error of ours must not make a user's DROP or ALTER fail, so the event triggers make a warning of it, also where the library is
-- missing. Errors that may not happen again when the command is repeated, such as a deadlock, do make it fail; otherwise the counts
-- would miss the command. The same errors end work in a subtransaction (src/pg/subtransaction.rs); a test compares the two lists. A cancel
-- is not caught here.
CREATE FUNCTION segments.must_fail(sqlstate text) RETURNS boolean
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT sqlstate IN ('40001', '40P01', '55P03') OR starts_with(sqlstate, '53')
$$;
COMMENT ON FUNCTION segments.must_fail(text) IS
    'Whether a command must fail with an error that its event trigger met: a serialization failure, a deadlock, a lock that is not available, or a lack of resources.';

-- In a REPEATABLE READ transaction the snapshot may be older than the first live audience; the library looks in a newer one.
CREATE FUNCTION segments.may_be_live() RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN to_regclass('segments.live_table') IS NOT NULL
       AND (EXISTS (SELECT FROM segments.live_table) OR current_setting('transaction_isolation') <> 'read committed');
END
$$;
COMMENT ON FUNCTION segments.may_be_live() IS
    'Whether there may be a live audience. Event triggers ask it first, so that sessions that have nothing to do with segments do not load the library.';

CREATE FUNCTION segments.follow_parts() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF segments.may_be_live() THEN
        PERFORM segments.keep_parts();
    END IF;
EXCEPTION WHEN OTHERS THEN
    IF segments.must_fail(SQLSTATE) THEN
        RAISE;
    END IF;
    RAISE WARNING 'segments could not follow the partitions of live audiences: %', SQLERRM;
END
$$;
-- Event triggers fire in the order of their names, so this one comes after segments_forget_dropped_relations.
CREATE EVENT TRIGGER segments_keep_parts_dropped ON sql_drop EXECUTE FUNCTION segments.follow_parts();
CREATE EVENT TRIGGER segments_keep_parts ON ddl_command_end
    WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE', 'CREATE FOREIGN TABLE', 'ALTER FOREIGN TABLE', 'CREATE SCHEMA',
                 'CREATE TRIGGER', 'ALTER TRIGGER')
    EXECUTE FUNCTION segments.follow_parts();

CREATE FUNCTION segments.forget_rewritten() RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'forget_rewritten_wrapper';
COMMENT ON FUNCTION segments.forget_rewritten() IS
    'Forgets the counts of live audiences over a table that is rewritten with other values in a column. No trigger of the table fires then. An event trigger calls it.';

CREATE FUNCTION segments.forget_rewritten_counts() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF segments.may_be_live() THEN
        PERFORM segments.forget_rewritten();
    END IF;
EXCEPTION WHEN OTHERS THEN
    IF segments.must_fail(SQLSTATE) THEN
        RAISE;
    END IF;
    RAISE WARNING 'segments could not forget the counts of a table that is rewritten: %', SQLERRM;
END
$$;
CREATE EVENT TRIGGER segments_forget_rewritten_counts ON table_rewrite EXECUTE FUNCTION segments.forget_rewritten_counts();

CREATE FUNCTION segments.forget_relabelled() RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'forget_relabelled_wrapper';
COMMENT ON FUNCTION segments.forget_relabelled() IS
    'Forgets the counts of live audiences that have columns of an enum that ALTER TYPE has changed, of arrays of it or of domains over it. No trigger of a table fires then. An event trigger calls it.';

CREATE FUNCTION segments.forget_relabelled_counts() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF segments.may_be_live() THEN
        PERFORM segments.forget_relabelled();
    END IF;
EXCEPTION WHEN OTHERS THEN
    IF segments.must_fail(SQLSTATE) THEN
        RAISE;
    END IF;
    RAISE WARNING 'segments could not forget the counts over a type that is altered: %', SQLERRM;
END
$$;
CREATE EVENT TRIGGER segments_forget_relabelled_counts ON ddl_command_end WHEN TAG IN ('ALTER TYPE')
    EXECUTE FUNCTION segments.forget_relabelled_counts();
