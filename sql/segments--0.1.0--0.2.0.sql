-- From 0.1.0 to 0.2.0: what sql/*.sql say differently.

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

-- As sql/finalize.sql: foreign keys of the new tables do not check new rows.
DO $$
DECLARE
    trigger record;
BEGIN
    FOR trigger IN
        SELECT t.tgrelid::pg_catalog.regclass AS relation, t.tgname AS name
          FROM pg_catalog.pg_trigger t
         WHERE t.tgrelid IN ('segments.member_set'::pg_catalog.regclass, 'segments.member_chunk'::pg_catalog.regclass)
           AND t.tgfoid IN ('pg_catalog."RI_FKey_check_ins"'::pg_catalog.regproc, 'pg_catalog."RI_FKey_check_upd"'::pg_catalog.regproc)
    LOOP
        EXECUTE pg_catalog.format('ALTER TABLE %s DISABLE TRIGGER %I', trigger.relation, trigger.name);
    END LOOP;
END
$$;
COMMENT ON FUNCTION watch_segment(uuid, boolean) IS
    'Records the entries and exits of a segment, which segment_changes() returns, or stops recording them. If triggers keep its count, they record them; otherwise each refresh compares the members with those that the one before has found.';
