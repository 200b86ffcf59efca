-- All that belongs to the extension, as the catalogs have it: the same after an upgrade as after CREATE EXTENSION.
SET search_path = pg_catalog;
CREATE TEMP VIEW member AS
SELECT d.classid, d.objid, (pg_identify_object(d.classid, d.objid, 0)).type || ' ' || (pg_identify_object(d.classid, d.objid, 0)).identity AS name
  FROM pg_depend d, pg_extension e
 WHERE e.extname = 'segments' AND d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e';

SELECT extversion, extnamespace::regnamespace,
       ARRAY(SELECT oid::regclass || ' ' || condition FROM unnest(extconfig, extcondition) c(oid, condition) ORDER BY oid::regclass::text)
  FROM pg_extension WHERE extname = 'segments';
SELECT name, obj_description(objid, classid::regclass::name) FROM member ORDER BY name COLLATE "C";

SELECT name, CASE WHEN p.prokind = 'a' THEN (SELECT to_jsonb(a) - 'aggfnoid' FROM pg_aggregate a WHERE a.aggfnoid = p.oid)::text
                  ELSE pg_get_functiondef(p.oid) END,
       (SELECT array_agg(concat_ws(' ', CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE grantee::regrole::text END, privilege_type) ORDER BY 1)
          FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))))
  FROM member JOIN pg_proc p ON classid = 'pg_proc'::regclass AND objid = p.oid ORDER BY name COLLATE "C";

SELECT name, c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.reloptions, pg_get_viewdef(c.oid),
       (SELECT array_agg(concat_ws(' ', CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE grantee::regrole::text END, privilege_type) ORDER BY 1)
          FROM aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))))
  FROM member JOIN pg_class c ON classid = 'pg_class'::regclass AND objid = c.oid ORDER BY name COLLATE "C";
-- Some minor releases give each new attribute a pg_attver of its own.
SELECT name, row_number() OVER (PARTITION BY name ORDER BY a.attnum), a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       a.attacl, ARRAY(SELECT o FROM unnest(a.attoptions) o WHERE o NOT LIKE 'pg_attver=%'), pg_get_expr(f.adbin, f.adrelid)
  FROM member JOIN pg_attribute a ON classid = 'pg_class'::regclass AND objid = a.attrelid AND a.attnum > 0 AND NOT a.attisdropped
       LEFT JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
 ORDER BY name COLLATE "C", a.attnum;
SELECT name, k.conname, pg_get_constraintdef(k.oid)
  FROM member JOIN pg_constraint k ON classid IN ('pg_class'::regclass, 'pg_type'::regclass) AND objid IN (k.conrelid, k.contypid)
 ORDER BY name COLLATE "C", k.conname;
SELECT name, pg_get_indexdef(i.indexrelid), i.indisclustered, i.indisreplident
  FROM member JOIN pg_index i ON classid = 'pg_class'::regclass AND objid = i.indrelid ORDER BY name COLLATE "C", i.indexrelid::regclass::text COLLATE "C";
SELECT name, p.polname, p.polcmd, p.polpermissive, pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid), p.polroles::regrole[]
  FROM member JOIN pg_policy p ON classid = 'pg_class'::regclass AND objid = p.polrelid ORDER BY name COLLATE "C", 2;
-- Those of foreign keys are called by numbers.
SELECT name, t.tgenabled, regexp_replace(pg_get_triggerdef(t.oid), '_\d+"', '"') COLLATE "C"
  FROM member JOIN pg_trigger t ON classid = 'pg_class'::regclass AND objid = t.tgrelid ORDER BY name COLLATE "C", 3, 2;

SELECT name, to_jsonb(t) - '{oid,typnamespace,typowner,typarray,typrelid,typacl,typelem}'::text[] || jsonb_build_object('element', t.typelem::regtype)
  FROM member JOIN pg_type t ON classid = 'pg_type'::regclass AND objid = t.oid AND t.typtype IN ('b', 'd') AND t.typelem = 0
 ORDER BY name COLLATE "C";
SELECT name, to_jsonb(o) - '{oid,oprnamespace,oprowner,oprcom,oprnegate,oprleft,oprright,oprresult}'::text[], o.oprcom::regoperator, o.oprnegate::regoperator
  FROM member JOIN pg_operator o ON classid = 'pg_operator'::regclass AND objid = o.oid ORDER BY name COLLATE "C";
SELECT name, c.castcontext, c.castmethod, c.castfunc::regprocedure FROM member JOIN pg_cast c ON classid = 'pg_cast'::regclass AND objid = c.oid
 ORDER BY name COLLATE "C";
SELECT name, e.evtevent, e.evtfoid::regprocedure, e.evtenabled, e.evttags
  FROM member JOIN pg_event_trigger e ON classid = 'pg_event_trigger'::regclass AND objid = e.oid ORDER BY name COLLATE "C";
