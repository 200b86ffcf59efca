-- Which audience is meant, where none is named or a name is in the wrong place.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY default
SET client_min_messages = notice;
CREATE TABLE tenants (id int PRIMARY KEY, tenant text);
SELECT attach_audience('tenant ' || name, 'tenants', scope => jsonb_build_object('tenant', name)) FROM unnest('{A,B}'::text[]) name;
SELECT create_segment('x', '{"id": 1}', 'tenant A');
SELECT count_contacts('{"id": 1}');
SELECT create_segment('x', '{"id": 1}', 'Nobody in particular');
SELECT count_contacts('{"id": 1}', 'tenant C');
SELECT attach_audience('contacts', 'tenants');
SELECT audience, description FROM create_segment('x', '{"id": 1}', 'tenant A');
SELECT audience, description FROM create_segment('x', '{"id": 1}', 'tenant A', audience => 'tenant A');
SELECT audience, description FROM create_segment('y', '{"id": 1}', 'Nobody in particular');
-- Of another's audience and of none the same is said, which is neither that there is one nor that there is none.
CREATE ROLE regress_tenant;
SELECT grant_segments_access('regress_tenant', scope, 'tenant A') FROM unnest('{read:segments,read:contacts}'::text[]) scope;
SET ROLE regress_tenant;
SELECT count_contacts('{"id": 1}', 'tenant B');
SELECT count_contacts('{"id": 1}', 'tenant C');
SELECT count_contacts('{"id": 1}');
SELECT severity, path, sqlstate, message, hint FROM validate_conditions('{"id": 1}', 'tenant B');
SELECT get_segment('x', 'tenant B');
RESET ROLE;
SET client_min_messages = warning;
SELECT revoke_segments_access('regress_tenant', scope) FROM unnest('{read:segments,read:contacts}'::text[]) scope;
DROP ROLE regress_tenant;
SELECT detach_audience(name, true) FROM unnest('{contacts,tenant A,tenant B}'::text[]) name;
DROP TABLE tenants;
