-- Access: which role has which scope for which audience.

CREATE TABLE segments.access (
    -- By name, so that a dump restores it
    role name NOT NULL,
    scope text NOT NULL CHECK (scope IN ('read:segments', 'write:segments', 'read:contacts', 'write:contacts', 'read:counts')),
    -- NULL: every audience
    audience text REFERENCES segments.audience_config ON DELETE CASCADE ON UPDATE CASCADE,
    UNIQUE NULLS NOT DISTINCT (role, scope, audience)
);
CREATE INDEX access_audience ON segments.access (audience);
SELECT pg_catalog.pg_extension_config_dump('segments.access', '');
-- The table has no primary key, because audience may be NULL. Without a replica identity, a publication FOR ALL TABLES would make every
-- DELETE fail.
ALTER TABLE segments.access REPLICA IDENTITY FULL;
-- As on the tables of definitions: a kept plan with a segment's condition in it is for a role that may see the segment.
CREATE TRIGGER definitions_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON segments.access
    FOR EACH STATEMENT EXECUTE FUNCTION segments.definitions_changed();
CREATE TRIGGER definitions_replicated AFTER INSERT OR UPDATE OR DELETE ON segments.access
    FOR EACH ROW EXECUTE FUNCTION segments.definitions_changed();
ALTER TABLE segments.access ENABLE ALWAYS TRIGGER definitions_changed, ENABLE REPLICA TRIGGER definitions_replicated;

-- Roles that got USAGE of the extension's schema with their first scope. They lose it with their last one.
CREATE TABLE segments.schema_access (
    role name PRIMARY KEY
);
SELECT pg_catalog.pg_extension_config_dump('segments.schema_access', '');

CREATE FUNCTION segments.permits_every_audience(scopes text[]) RETURNS boolean
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'permits_every_audience_wrapper';
COMMENT ON FUNCTION segments.permits_every_audience(text[]) IS
    'Whether the caller has one of the scopes for every audience.';

CREATE FUNCTION segments.permitted_audiences(scopes text[]) RETURNS SETOF text
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'permitted_audiences_wrapper';
COMMENT ON FUNCTION segments.permitted_audiences(text[]) IS
    'The names of the audiences for which the caller has one of the scopes. A scope for every audience does not count.';

CREATE FUNCTION segments.permitted_sources(scopes text[]) RETURNS SETOF text
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'permitted_sources_wrapper';
COMMENT ON FUNCTION segments.permitted_sources(text[]) IS
    'The names of these audiences, or of those that they are based on: where their tables, properties, topics and relations are declared.';

CREATE FUNCTION grant_segments_access(role regrole, scope text, audience text DEFAULT NULL) RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'grant_segments_access_wrapper';
COMMENT ON FUNCTION grant_segments_access(regrole, text, text) IS
    'Gives a role read:segments, write:segments, read:contacts, write:contacts or read:counts, for one audience or for all. read:counts is granted for one audience, by the owner of its table.';

CREATE FUNCTION revoke_segments_access(role regrole, scope text, audience text DEFAULT NULL) RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'revoke_segments_access_wrapper';
COMMENT ON FUNCTION revoke_segments_access(regrole, text, text) IS
    'Takes a scope from a role, for one audience or for all.';

-- For drivers that send the type of each parameter.
CREATE FUNCTION grant_segments_access(role text, scope text, audience text DEFAULT NULL) RETURNS void
    LANGUAGE sql AS 'SELECT @extschema@.grant_segments_access($1::pg_catalog.regrole, $2, $3)';
COMMENT ON FUNCTION grant_segments_access(text, text, text) IS 'As grant_segments_access(regrole, text, text).';
CREATE FUNCTION revoke_segments_access(role text, scope text, audience text DEFAULT NULL) RETURNS void
    LANGUAGE sql AS 'SELECT @extschema@.revoke_segments_access($1::pg_catalog.regrole, $2, $3)';
COMMENT ON FUNCTION revoke_segments_access(text, text, text) IS 'As revoke_segments_access(regrole, text, text).';

-- The tables of the extension that roles may read, one line each. Roles write to none of them; functions do, after they have
-- checked the scope. A role sees the rows of an audience for which it has one of the scopes or, where they are declarations, of an audience
-- on which such a one is based; where there are no scopes, the rows of a segment that it sees. If columns are listed, it may read only these.
CREATE FUNCTION segments.readable_tables() RETURNS TABLE (name name, key name, declares boolean, scopes text[], columns text)
    LANGUAGE sql IMMUTABLE AS $$
VALUES
    ('audience_config', 'name', false, '{read:segments,write:segments,read:contacts,write:contacts,read:counts}'::pg_catalog.text[], NULL),
    ('table_config', 'audience', true, '{read:segments,write:segments,read:contacts,write:contacts,read:counts}', NULL),
    ('property_config', 'audience', true, '{read:segments,write:segments,read:contacts,write:contacts,read:counts}', NULL),
    ('topic_config', 'audience', true, '{read:segments,write:segments,read:contacts,write:contacts,read:counts}', NULL),
    ('relation_config', 'audience', true, '{read:segments,write:segments,read:contacts,write:contacts,read:counts}', NULL),
    ('segment_config', 'audience', false, '{read:segments,write:segments,read:counts}', NULL),
    ('segment_reference', 'segment', false, NULL, NULL),
    ('segment_count', 'segment', false, NULL, 'segment, counted_at, changes_at'),
    ('segment_refresh', 'segment', false, NULL, NULL)
$$;

-- The scopes that give EXECUTE on a function, one line for each name. A function without a line is for the extension's owner alone.
CREATE FUNCTION segments.function_scopes() RETURNS TABLE (name name, scopes text[]) LANGUAGE sql IMMUTABLE AS $$
VALUES
    ('permits_every_audience', '{read:segments,write:segments,read:contacts,write:contacts,read:counts}'::pg_catalog.text[]),
    ('permitted_audiences', '{read:segments,write:segments,read:contacts,write:contacts,read:counts}'),
    ('permitted_sources', '{read:segments,write:segments,read:contacts,write:contacts,read:counts}'),
    ('id_text', '{read:segments,write:segments,read:contacts,write:contacts,read:counts}'),
    ('quoted_name', '{read:segments,write:segments,read:contacts,write:contacts,read:counts}'),
    ('default_refresh_interval', '{read:segments,write:segments,read:contacts,write:contacts,read:counts}'),
    ('builder_fields', '{read:segments,write:segments,read:contacts,write:contacts,read:counts}'),
    ('properties', '{read:segments,write:segments,read:contacts,write:contacts,read:counts}'),
    ('visible_count', '{read:segments,write:segments,read:contacts,write:contacts,read:counts}'),
    ('segment_id', '{read:segments,write:segments,read:contacts,read:counts}'),
    ('get_segment', '{read:segments,read:counts}'),
    ('list_segments', '{read:segments,read:counts}'),
    ('segment_sql', '{read:segments}'),
    ('how_kept', '{read:segments,read:counts}'),
    ('why_periodic', '{read:segments,read:counts}'),
    ('visible_history', '{read:segments,read:counts}'),
    ('progress', '{read:segments,write:segments,read:counts}'),
    ('index_pages', '{read:segments,write:segments,read:contacts,write:contacts,read:counts}'),
    ('conditions_sql', '{read:segments,write:segments}'),
    ('validate_conditions', '{read:segments,write:segments,read:contacts}'),
    ('create_segment', '{write:segments}'),
    ('update_segment', '{write:segments}'),
    ('delete_segment', '{write:segments}'),
    ('create_contacts', '{write:segments}'),
    ('attach_audience', '{write:segments}'),
    ('update_audience', '{write:segments}'),
    ('detach_audience', '{write:segments}'),
    ('attach_topics', '{write:segments}'),
    ('attach_relation', '{write:segments}'),
    ('detach_relation', '{write:segments}'),
    ('create_property', '{write:segments}'),
    ('drop_property', '{write:segments}'),
    ('create_topic', '{write:segments}'),
    ('set_freshness', '{write:segments}'),
    ('set_refresh_interval', '{write:segments}'),
    ('refresh_segments', '{write:segments}'),
    ('watch_segment', '{write:segments}'),
    ('segments_fold', '{write:segments}'),
    ('segments_check_index', '{write:segments}'),
    ('index_property', '{read:segments,write:segments}'),
    ('suggest_indexes', '{read:segments,write:segments}'),
    ('grant_segments_access', '{write:segments}'),
    ('revoke_segments_access', '{write:segments}'),
    ('count_contacts', '{read:contacts}'),
    ('search_contacts', '{read:contacts}'),
    ('segment_contacts', '{read:contacts}'),
    ('segment_members', '{read:contacts}'),
    ('in_segment', '{read:contacts}'),
    ('contact_segments', '{read:contacts}'),
    ('explain_match', '{read:contacts}'),
    ('explain_count', '{read:contacts}'),
    ('segment_overlap', '{read:contacts}'),
    ('segment_statistics', '{read:contacts}'),
    ('infer_properties', '{read:contacts}'),
    ('segment_changes', '{read:contacts}'),
    ('newest_position', '{read:contacts}'),
    ('subscribe_contact', '{write:contacts}'),
    ('unsubscribe_contact', '{write:contacts}')
$$;

-- Deletes the scopes of a role that was dropped, so that a new role of the same name does not inherit them. A role with scopes has USAGE
-- of the schema segments. The privilege was dropped with the old role, so a role without it is a new one.
CREATE FUNCTION segments.forget_dropped_role(role oid) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_namespace n, aclexplode(n.nspacl) acl WHERE n.nspname = 'segments' AND acl.grantee = role) THEN
        DELETE FROM segments.access a WHERE a.role = pg_get_userbyid(forget_dropped_role.role);
        DELETE FROM segments.schema_access a WHERE a.role = pg_get_userbyid(forget_dropped_role.role);
    END IF;
END
$$;

-- Gives a role exactly the privileges on the extension's objects that its scopes imply.
CREATE FUNCTION segments.apply_access(role name) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    extension CONSTANT oid := (SELECT oid FROM pg_extension WHERE extname = 'segments');
    owner CONSTANT name := (SELECT pg_get_userbyid(extowner) FROM pg_extension WHERE oid = extension);
    home CONSTANT regnamespace := (SELECT extnamespace FROM pg_extension WHERE oid = extension);
    granted CONSTANT text[] := ARRAY(SELECT DISTINCT a.scope FROM segments.access a WHERE a.role = apply_access.role);
    names text;
BEGIN
    IF role = owner THEN
        RETURN;
    END IF;
    -- Revoke everything first, so that the role has only what is granted below.
    EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA segments FROM %I', role);
    EXECUTE format('REVOKE ALL ON SCHEMA segments FROM %I', role);
    SELECT string_agg(p.oid::regprocedure::text, ', ') INTO names
      FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
     WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = extension AND d.deptype = 'e'
       AND d.classid = 'pg_proc'::regclass;
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM %I', names, role);
    IF granted = '{}' THEN
        DELETE FROM segments.schema_access a WHERE a.role = apply_access.role;
        IF FOUND THEN
            EXECUTE format('REVOKE USAGE ON SCHEMA %s FROM %I', home, role);
        END IF;
        RETURN;
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA segments TO %I', role);
    IF NOT has_schema_privilege(role, home, 'USAGE') THEN
        EXECUTE format('GRANT USAGE ON SCHEMA %s TO %I', home, role);
        INSERT INTO segments.schema_access VALUES (role) ON CONFLICT DO NOTHING;
    END IF;
    FOR names IN
        SELECT format(CASE WHEN t.columns IS NULL THEN 'SELECT ON segments.%1$I' ELSE 'SELECT (%2$s) ON segments.%1$I' END,
                      t.name, t.columns)
          FROM segments.readable_tables() t
        UNION ALL
        SELECT format('SELECT ON segments.%I', c.relname)
          FROM pg_depend d JOIN pg_class c ON c.oid = d.objid
         WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = extension AND d.deptype = 'e'
           AND d.classid = 'pg_class'::regclass AND c.relkind = 'v'
    LOOP
        EXECUTE format('GRANT %s TO %I', names, role);
    END LOOP;
    SELECT string_agg(p.oid::regprocedure::text, ', ') INTO names
      FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid JOIN segments.function_scopes() f ON f.name = p.proname
     WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = extension AND d.deptype = 'e'
       AND d.classid = 'pg_proc'::regclass AND f.scopes && granted;
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', names, role);
END
$$;
COMMENT ON FUNCTION segments.apply_access(name) IS
    'Gives a role exactly the privileges on the extension''s functions and tables that its scopes in segments.access imply. grant_segments_access and revoke_segments_access call it.';

-- Privileges that an upgrade script grants would count as part of the extension, and no dump would contain them. So this trigger
-- applies the scopes to new objects after the script has run.
CREATE FUNCTION segments.apply_access_after_upgrade() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() c WHERE c.object_type = 'extension' AND c.object_identity = 'segments') THEN
        PERFORM segments.forget_dropped_role(r.oid), segments.apply_access(r.rolname)
           FROM pg_roles r WHERE r.rolname IN (SELECT a.role FROM segments.access a);
    END IF;
END
$$;
CREATE EVENT TRIGGER segments_apply_access_after_upgrade ON ddl_command_end WHEN TAG IN ('ALTER EXTENSION')
    EXECUTE FUNCTION segments.apply_access_after_upgrade();
