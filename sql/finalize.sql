-- The last script. It enables row security on the extension's tables, revokes what PUBLIC need not have, and lets the tables be restored
-- in any order. PUBLIC keeps the type, the operator, the property functions, and the aggregate with which owners of contacts' tables
-- count: it reads only its arguments.

-- A fixed search_path, so that no other object in the extension's schema takes part.
SET LOCAL search_path = pg_catalog, pg_temp;

DO $$
DECLARE
    readable record;
    names text;
BEGIN
    FOR readable IN SELECT * FROM segments.readable_tables() LOOP
        EXECUTE format('ALTER TABLE segments.%I ENABLE ROW LEVEL SECURITY', readable.name);
        EXECUTE CASE WHEN readable.scopes IS NULL THEN
            -- The policy on segment_config decides which segments these are.
            format('CREATE POLICY readable ON segments.%I FOR SELECT USING (
                        EXISTS (SELECT FROM segments.segment_config s WHERE s.id OPERATOR(pg_catalog.=) %I))',
                   readable.name, readable.key)
        ELSE
            -- Both sub-selects run once in a query, not once for each row.
            format('CREATE POLICY readable ON segments.%I FOR SELECT USING (
                        (SELECT segments.permits_every_audience(%L))
                        OR %I OPERATOR(pg_catalog.=) ANY (SELECT segments.%I(%L)))',
                   readable.name, readable.scopes, readable.key,
                   CASE WHEN readable.declares THEN 'permitted_sources' ELSE 'permitted_audiences' END, readable.scopes)
        END;
    END LOOP;

    SELECT string_agg(p.oid::regprocedure::text, ', ') INTO names
      FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
     WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND d.classid = 'pg_proc'::regclass
       AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'segments')
       AND p.oid NOT IN (SELECT unnest(ARRAY[t.typinput, t.typoutput, t.typreceive, t.typsend]::oid[]) FROM pg_type t
                          WHERE t.oid = '@extschema@.segment_condition'::regtype)
       AND p.oid NOT IN (SELECT o.oprcode FROM pg_operator o
                          WHERE '@extschema@.segment_condition'::regtype IN (o.oprleft, o.oprright))
       AND p.proname NOT IN ('property_text', 'property_number', 'property_boolean', 'property_date', 'property_timestamp', 'property_json', 'bucket_of', 'segments_tally', 'segments_gather');
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', names);

    -- DDL must be followed in sessions with session_replication_role = replica too.
    FOR names IN SELECT e.evtname FROM pg_event_trigger e JOIN pg_proc p ON p.oid = e.evtfoid
                  WHERE p.pronamespace = 'segments'::regnamespace LOOP
        EXECUTE format('ALTER EVENT TRIGGER %I ENABLE ALWAYS', names);
    END LOOP;
END
$$;

-- pg_restore --jobs fills the tables of an extension in any order, while their foreign keys are already in force. So foreign keys do not check
-- new rows here. That is safe: roles cannot write to these tables, and the functions that write lock the rows that they refer to.
-- Deletes and renames still cascade or are refused.
DO $$
DECLARE
    trigger record;
BEGIN
    FOR trigger IN
        SELECT t.tgrelid::regclass AS relation, t.tgname AS name
          FROM pg_trigger t JOIN pg_constraint k ON k.oid = t.tgconstraint
         WHERE k.contype = 'f' AND t.tgrelid = k.conrelid AND t.tgfoid IN ('"RI_FKey_check_ins"'::regproc, '"RI_FKey_check_upd"'::regproc)
           AND k.conrelid IN (SELECT objid FROM pg_depend
                               WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_extension'::regclass AND deptype = 'e'
                                 AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'segments'))
    LOOP
        EXECUTE format('ALTER TABLE %s DISABLE TRIGGER %I', trigger.relation, trigger.name);
    END LOOP;
END
$$;
