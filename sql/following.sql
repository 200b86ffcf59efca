-- Audiences follow their tables when these are renamed, moved, dropped or restored.

-- The present name and number of a column. It is the column of that name or, if there is none after a rename, the column of that number.
CREATE FUNCTION segments.follow_column(relation regclass, INOUT name name, INOUT number smallint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    attribute record;
BEGIN
    SELECT a.attname, a.attnum INTO attribute FROM pg_attribute a
     WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
       AND (a.attname = follow_column.name OR a.attnum = follow_column.number)
     ORDER BY a.attname = follow_column.name DESC LIMIT 1;
    IF FOUND THEN
        name := attribute.attname;
        number := attribute.attnum;
    END IF;
END
$$;

-- The audience with the present names of its tables and columns, and with the list of all columns of its tables.
CREATE FUNCTION segments.follow_columns(a segments.audience_config) RETURNS segments.audience_config
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    a.relation_name := coalesce(segments.quoted_name(a.relation), a.relation_name);
    a.topics_relation_name := coalesce(segments.quoted_name(a.topics_relation), a.topics_relation_name);
    SELECT * INTO a.id_column, a.id_number FROM segments.follow_column(a.relation, a.id_column, a.id_number);
    SELECT * INTO a.properties_column, a.properties_number
      FROM segments.follow_column(a.relation, a.properties_column, a.properties_number);
    SELECT * INTO a.created_column, a.created_number
      FROM segments.follow_column(a.relation, a.created_column, a.created_number);
    SELECT * INTO a.topics_contact_column, a.topics_contact_number
      FROM segments.follow_column(a.topics_relation, a.topics_contact_column, a.topics_contact_number);
    SELECT * INTO a.topics_topic_column, a.topics_topic_number
      FROM segments.follow_column(a.topics_relation, a.topics_topic_column, a.topics_topic_number);
    a.attributes := ARRAY(SELECT format('%s %s %s %s', n.attrelid, n.attnum, n.atttypid, n.attname) FROM pg_attribute n
                           WHERE n.attrelid IN (a.relation, a.topics_relation) AND n.attnum > 0 AND NOT n.attisdropped
                           ORDER BY n.attrelid, n.attnum);
    IF a.columns IS NOT NULL THEN
        SELECT array_agg(f.name ORDER BY listed.position), array_agg(f.number ORDER BY listed.position)
          INTO a.columns, a.column_numbers
          FROM unnest(a.columns, a.column_numbers) WITH ORDINALITY listed(name, number, position),
               LATERAL segments.follow_column(a.relation, listed.name, listed.number) f;
    END IF;
    RETURN a;
END
$$;

-- The columns of one table in the list of columns that an audience has stored.
CREATE FUNCTION segments.column_names(relation regclass, attributes text[]) RETURNS TABLE (number int, name text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT m[1]::int, m[2] FROM unnest(attributes) n, regexp_match(n, format('^%s (\d+) \d+ (.*)$', relation::oid)) m
 WHERE m IS NOT NULL
$$;

-- Prepares a row that was attached, restored or replicated. Its column numbers may be those of a table in another database, and so may an
-- OID that the dump could not write as a name.
CREATE FUNCTION segments.number_columns() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF segments.quoted_name(NEW.relation) IS DISTINCT FROM NEW.relation_name THEN
        NEW.relation := 0::oid;
    END IF;
    IF segments.quoted_name(NEW.topics_relation) IS DISTINCT FROM NEW.topics_relation_name THEN
        NEW.topics_relation := 0::oid;
    END IF;
    NEW.id_number := NULL;
    NEW.properties_number := NULL;
    NEW.created_number := NULL;
    NEW.column_numbers := NULL;
    NEW.topics_contact_number := NULL;
    NEW.topics_topic_number := NULL;
    -- Replicated contacts do not fire the triggers that keep live counts.
    IF current_setting('session_replication_role') = 'replica' THEN
        NEW.freshness := 'periodic';
    END IF;
    RETURN segments.follow_columns(NEW);
END
$$;
CREATE TRIGGER number_columns BEFORE INSERT OR UPDATE OF relation, topics_relation ON segments.audience_config
    FOR EACH ROW EXECUTE FUNCTION segments.number_columns();
ALTER TABLE segments.audience_config ENABLE ALWAYS TRIGGER number_columns;

-- When a column is gone, the segments that read it lose their counts: if the column comes back, nobody knows what has changed meanwhile.
CREATE FUNCTION segments.forget_live_counts(tables oid[]) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'forget_live_counts_wrapper';
COMMENT ON FUNCTION segments.forget_live_counts(oid[]) IS
    'Forgets the counts of live audiences over these tables. It is called after commands that change members without firing a trigger.';

CREATE FUNCTION segments.warn_unrecorded_changes(audiences text[]) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'warn_unrecorded_changes_wrapper';
COMMENT ON FUNCTION segments.warn_unrecorded_changes(text[]) IS
    'Warns that entries to and exits from watched segments of live audiences may have gone unrecorded. It is called after commands that change what a table holds, or how it is read, without a trigger that fires.';

-- An error of ours must not make a user's DROP or ALTER fail, so it becomes a warning, here and in the other event triggers. Errors that
-- may not happen again when the command is repeated, such as a deadlock, do make it fail; otherwise the counts would miss the command.
CREATE FUNCTION segments.forget_dropped_relations() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    dropped oid[];
BEGIN
    dropped := ARRAY(SELECT objid FROM pg_event_trigger_dropped_objects()
                      WHERE classid = 'pg_class'::regclass AND objsubid = 0);
    IF dropped = '{}' OR to_regclass('segments.audience_config') IS NULL THEN
        RETURN;
    END IF;
    -- Even an UPDATE that finds no row would make every session look at the definitions again.
    IF NOT EXISTS (SELECT FROM segments.audience_config a WHERE a.relation = ANY (dropped) OR a.topics_relation = ANY (dropped)) THEN
        RETURN;
    END IF;
    UPDATE segments.audience_config SET relation = 0::oid WHERE relation = ANY (dropped);
    PERFORM segments.warn_unrecorded_changes(ARRAY(SELECT a.name FROM segments.audience_config a WHERE a.topics_relation = ANY (dropped)));
    PERFORM segments.forget_live_counts(ARRAY(
        SELECT a.topics_relation::oid FROM segments.audience_config a WHERE a.topics_relation = ANY (dropped)));
    UPDATE segments.audience_config SET topics_relation = 0::oid WHERE topics_relation = ANY (dropped);
EXCEPTION
    WHEN lock_not_available OR deadlock_detected OR serialization_failure OR insufficient_resources THEN
        RAISE;
    WHEN OTHERS THEN
        RAISE WARNING 'segments could not note which relations were dropped: %', SQLERRM;
END
$$;
-- There is no list of commands, because ALTER TABLE … DROP COLUMN … CASCADE drops views too.
CREATE EVENT TRIGGER segments_forget_dropped_relations ON sql_drop
    EXECUTE FUNCTION segments.forget_dropped_relations();

CREATE FUNCTION segments.follow_renamed_columns(audiences text[], before text[], after text[]) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'follow_renamed_columns_wrapper';
COMMENT ON FUNCTION segments.follow_renamed_columns(text[], text[], text[]) IS
    'Writes the new names of columns into the conditions of segments, and into the scopes and declarations of audiences. Each renamed column has an entry in all three arrays. It is called after commands that rename columns.';

-- The planner expects many rows of each unnest(); without jit = off, compiling its plans would take most of the time.
CREATE FUNCTION segments.follow_renamed_relations() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    altered oid[];
    audiences text[];
    old_names text[];
    new_names text[];
    followed segments.audience_config[];
    changed oid[];
    reread text[];
BEGIN
    IF to_regclass('segments.audience_config') IS NULL THEN
        RETURN;
    END IF;
    -- Renaming a column also renames it in the tables that inherit, and renaming an attribute of a type in the tables OF that type.
    WITH RECURSIVE command AS (SELECT classid, objid FROM pg_event_trigger_ddl_commands()),
    relation(oid) AS (
        SELECT objid FROM command WHERE classid = 'pg_class'::regclass
         UNION SELECT c.oid FROM pg_class c JOIN command ON classid = 'pg_namespace'::regclass AND objid = c.relnamespace
         UNION SELECT c.oid FROM pg_class c JOIN pg_type t ON t.oid = c.reloftype
                 JOIN command ON classid = 'pg_type'::regclass AND objid = t.oid
                   OR classid = 'pg_class'::regclass AND objid = t.typrelid
    ),
    affected(oid) AS (
        SELECT oid FROM relation UNION SELECT i.inhrelid FROM pg_inherits i JOIN affected ON affected.oid = i.inhparent
    )
    SELECT array_agg(oid) INTO altered FROM affected;

    -- Thousands of audiences may have one table, which is locked meanwhile. So all audiences that have changed are updated at once.
    SELECT array_agg(f.after) INTO followed
      FROM (SELECT to_jsonb(a) AS before, segments.follow_columns(a) AS after FROM segments.audience_config a
             WHERE a.relation = ANY (altered) OR a.topics_relation = ANY (altered)) f
     WHERE to_jsonb(f.after) <> f.before;
    IF followed IS NULL THEN
        RETURN;
    END IF;
    changed := ARRAY(
        SELECT DISTINCT t.oid
          FROM unnest(followed) after JOIN segments.audience_config a ON a.name = after.name AND a.attributes <> after.attributes,
               unnest(ARRAY[a.relation, a.topics_relation]::oid[]) t(oid)
         WHERE t.oid IS NOT NULL);
    -- Of the audiences with watched segments, those that read a column that is gone or has another type. That is known by the text of their
    -- conditions: where a name is not in it, no condition reads the column.
    reread := ARRAY(
        SELECT a.name
          FROM unnest(followed) after JOIN segments.audience_config a ON a.name = after.name AND a.attributes <> after.attributes
         WHERE a.name IN (SELECT s.audience FROM segments.watch_config w JOIN segments.segment_config s ON s.id = w.segment WHERE w.watched)
           AND EXISTS (
               SELECT FROM unnest(a.attributes) n, regexp_match(n, '^(\d+ \d+ \d+ )(.*)$') m
                WHERE m[1] <> ALL (SELECT substring(k from '^\d+ \d+ \d+ ') FROM unnest(after.attributes) k)
                  AND (m[2] IN (a.id_column, a.properties_column, a.topics_contact_column, a.topics_topic_column)
                       -- Conditions write these with a backslash.
                       OR m[2] ~ '["\\.$]' OR strpos(a.scope::text, m[2]) > 0
                       OR EXISTS (SELECT FROM segments.segment_config s WHERE s.audience = a.name AND strpos(s.conditions::text, m[2]) > 0))));
    -- The renamed columns are looked up once for all audiences of a table.
    SELECT array_agg(u.audience), array_agg(o.name), array_agg(n.name) INTO audiences, old_names, new_names
      FROM (SELECT a.relation, a.attributes AS old, after.attributes AS new, array_agg(a.name) AS audiences
              FROM unnest(followed) after JOIN segments.audience_config a ON a.name = after.name AND a.attributes <> after.attributes
             GROUP BY 1, 2, 3) c,
           segments.column_names(c.relation, c.old) o JOIN segments.column_names(c.relation, c.new) n USING (number),
           unnest(c.audiences) u(audience)
     WHERE o.name <> n.name;
    UPDATE segments.audience_config a
       SET relation_name = after.relation_name, topics_relation_name = after.topics_relation_name,
           id_column = after.id_column, id_number = after.id_number,
           properties_column = after.properties_column, properties_number = after.properties_number,
           created_column = after.created_column, created_number = after.created_number,
           columns = after.columns, column_numbers = after.column_numbers,
           topics_contact_column = after.topics_contact_column, topics_contact_number = after.topics_contact_number,
           topics_topic_column = after.topics_topic_column, topics_topic_number = after.topics_topic_number,
           attributes = after.attributes
      FROM unnest(followed) after WHERE a.name = after.name;
    -- The function is strict: for most commands the arrays are NULL, because no column was renamed.
    PERFORM segments.follow_renamed_columns(audiences, old_names, new_names);
    -- A new column may take over the name of a custom property. This comes last, because it locks counts.
    PERFORM segments.forget_live_counts(changed);
    PERFORM segments.warn_unrecorded_changes(reread);
EXCEPTION
    WHEN lock_not_available OR deadlock_detected OR serialization_failure OR insufficient_resources THEN
        RAISE;
    WHEN OTHERS THEN
        RAISE WARNING 'segments could not follow what was renamed: %', SQLERRM;
END
$$;
CREATE EVENT TRIGGER segments_follow_renamed_relations ON ddl_command_end
    WHEN TAG IN ('ALTER TABLE', 'ALTER VIEW', 'ALTER MATERIALIZED VIEW', 'ALTER FOREIGN TABLE', 'ALTER SCHEMA', 'ALTER TYPE')
    EXECUTE FUNCTION segments.follow_renamed_relations();
