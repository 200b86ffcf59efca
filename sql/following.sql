-- Audiences follow their tables when these are renamed, moved, dropped or restored.

CREATE FUNCTION segments.follow_column(relation regclass, name text, number smallint) RETURNS TABLE (present_name text, present_number smallint)
    LANGUAGE c STABLE ROWS 1 AS 'MODULE_PATHNAME', 'follow_column_wrapper';
COMMENT ON FUNCTION segments.follow_column(regclass, text, smallint) IS
    'The present name and number of a column: of the column of that name or, if there is none after a rename, of the column of that number. If there is neither, it returns what it was given.';

-- The same for a list of columns. NULL is no list.
CREATE FUNCTION segments.follow_list(relation regclass, names name[], numbers smallint[]) RETURNS TABLE (present_names name[], present_numbers smallint[])
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT CASE WHEN names IS NOT NULL THEN coalesce(array_agg(f.present_name::name ORDER BY l.place), '{}') END,
           CASE WHEN names IS NOT NULL THEN coalesce(array_agg(f.present_number ORDER BY l.place), '{}') END
      FROM unnest(names, numbers) WITH ORDINALITY l(name, number, place),
           LATERAL segments.follow_column(relation, l.name::text, l.number) f;
END
$$;
COMMENT ON FUNCTION segments.follow_list(regclass, name[], smallint[]) IS
    'As follow_column, for a list of columns; NULL is no list.';

-- All columns of tables, each as the text `table number type name`.
CREATE FUNCTION segments.listed_attributes(tables regclass[]) RETURNS text[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(SELECT format('%s %s %s %s', n.attrelid, n.attnum, n.atttypid, n.attname) FROM pg_attribute n
                  WHERE n.attrelid = ANY (tables) AND n.attnum > 0 AND NOT n.attisdropped
                  ORDER BY n.attrelid, n.attnum);
END
$$;
COMMENT ON FUNCTION segments.listed_attributes(regclass[]) IS
    'All columns of tables, each as the text of its table, number, type and name.';

-- An audience's tables with their present names and those of their columns, and with the list of all columns of its tables.
CREATE FUNCTION segments.follow_columns(a segments.table_config) RETURNS segments.table_config
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
    a.attributes := segments.listed_attributes(ARRAY[a.relation, a.topics_relation]);
    SELECT * INTO a.columns, a.column_numbers FROM segments.follow_list(a.relation, a.columns, a.column_numbers);
    RETURN a;
END
$$;

-- The same for a relation.
CREATE FUNCTION segments.follow_columns(r segments.relation_config) RETURNS segments.relation_config
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    r.relation_name := coalesce(segments.quoted_name(r.relation), r.relation_name);
    SELECT * INTO r.contact_column, r.contact_number
      FROM segments.follow_column(r.relation, r.contact_column, r.contact_number);
    SELECT * INTO r.properties_column, r.properties_number
      FROM segments.follow_column(r.relation, r.properties_column, r.properties_number);
    SELECT * INTO r.time_column, r.time_number
      FROM segments.follow_column(r.relation, r.time_column, r.time_number);
    r.attributes := segments.listed_attributes(ARRAY[r.relation]);
    SELECT * INTO r.columns, r.column_numbers FROM segments.follow_list(r.relation, r.columns, r.column_numbers);
    RETURN r;
END
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
    RETURN segments.follow_columns(NEW);
END
$$;
CREATE TRIGGER number_columns BEFORE INSERT OR UPDATE OF relation, topics_relation ON segments.table_config
    FOR EACH ROW EXECUTE FUNCTION segments.number_columns();
ALTER TABLE segments.table_config ENABLE ALWAYS TRIGGER number_columns;

CREATE FUNCTION segments.number_relation_columns() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF segments.quoted_name(NEW.relation) IS DISTINCT FROM NEW.relation_name THEN
        NEW.relation := 0::oid;
    END IF;
    NEW.contact_number := NULL;
    NEW.properties_number := NULL;
    NEW.time_number := NULL;
    NEW.column_numbers := NULL;
    RETURN segments.follow_columns(NEW);
END
$$;
CREATE TRIGGER number_columns BEFORE INSERT OR UPDATE OF relation ON segments.relation_config
    FOR EACH ROW EXECUTE FUNCTION segments.number_relation_columns();
ALTER TABLE segments.relation_config ENABLE ALWAYS TRIGGER number_columns;

-- Replicated contacts do not fire the triggers that keep live counts.
CREATE FUNCTION segments.keep_periodic() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.freshness := 'periodic';
    RETURN NEW;
END
$$;
CREATE TRIGGER keep_periodic BEFORE INSERT OR UPDATE ON segments.audience_config
    FOR EACH ROW EXECUTE FUNCTION segments.keep_periodic();
ALTER TABLE segments.audience_config ENABLE REPLICA TRIGGER keep_periodic;

CREATE FUNCTION segments.forget_dropped() RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'forget_dropped_wrapper';
COMMENT ON FUNCTION segments.forget_dropped() IS
    'Takes the relations that a command has dropped out of the definitions of audiences. An event trigger calls it.';

-- Where there is no audience, the library is not needed.
CREATE FUNCTION segments.forget_dropped_relations() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF to_regclass('segments.table_config') IS NOT NULL AND EXISTS (SELECT FROM segments.table_config) THEN
        PERFORM segments.forget_dropped();
    END IF;
EXCEPTION WHEN OTHERS THEN
    IF segments.must_fail(SQLSTATE) THEN
        RAISE;
    END IF;
    RAISE WARNING 'segments could not note which relations were dropped: %', SQLERRM;
END
$$;
-- There is no list of commands, because ALTER TABLE … DROP COLUMN … CASCADE drops views too.
CREATE EVENT TRIGGER segments_forget_dropped_relations ON sql_drop
    EXECUTE FUNCTION segments.forget_dropped_relations();

-- When a column is gone, the segments that read it lose their counts: if the column comes back, nobody knows what has changed meanwhile.
CREATE FUNCTION segments.follow_altered() RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'follow_altered_wrapper';
COMMENT ON FUNCTION segments.follow_altered() IS
    'Writes the new names of relations and columns that a command has renamed into the definitions of audiences and the conditions of segments. An event trigger calls it.';

-- The planner expects many rows; without jit = off, compiling its plans would take most of the time.
CREATE FUNCTION segments.follow_renamed_relations() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    IF to_regclass('segments.table_config') IS NOT NULL AND EXISTS (SELECT FROM segments.table_config) THEN
        PERFORM segments.follow_altered();
    END IF;
EXCEPTION WHEN OTHERS THEN
    IF segments.must_fail(SQLSTATE) THEN
        RAISE;
    END IF;
    RAISE WARNING 'segments could not follow what was renamed: %', SQLERRM;
END
$$;
CREATE EVENT TRIGGER segments_follow_renamed_relations ON ddl_command_end
    WHEN TAG IN ('ALTER TABLE', 'ALTER VIEW', 'ALTER MATERIALIZED VIEW', 'ALTER FOREIGN TABLE', 'ALTER SCHEMA', 'ALTER TYPE')
    EXECUTE FUNCTION segments.follow_renamed_relations();
