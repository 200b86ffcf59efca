-- The relations that the commands of a ddl_command_end event trigger have altered. Renaming a column also renames it in the tables that
-- inherit, and renaming an attribute of a type in the tables OF that type.
WITH RECURSIVE command AS (SELECT classid, objid FROM pg_event_trigger_ddl_commands()),
relation(oid) AS (
    SELECT objid FROM command WHERE classid = 'pg_class'::regclass
     UNION
    SELECT c.oid
      FROM pg_class c
      JOIN command ON classid = 'pg_namespace'::regclass AND objid = c.relnamespace
     UNION
    SELECT c.oid
      FROM pg_class c
      JOIN pg_type t ON t.oid = c.reloftype
      JOIN command ON classid = 'pg_type'::regclass AND objid = t.oid
                   OR classid = 'pg_class'::regclass AND objid = t.typrelid),
affected(oid) AS (
    SELECT oid FROM relation
     UNION
    SELECT i.inhrelid FROM pg_inherits i JOIN affected ON affected.oid = i.inhparent)
SELECT oid FROM affected
