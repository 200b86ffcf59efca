-- Run once, by a superuser, in a database that has an audience "contacts": the role that the server connects as, and a role with
-- scopes for each kind of token. The server has none of their rights by itself: it takes on the role of each request's token.
SET client_min_messages = warning;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'app_server') THEN
        CREATE ROLE app_server LOGIN NOINHERIT PASSWORD 'app_server';
        CREATE ROLE app_editor;
        CREATE ROLE app_viewer;
        GRANT app_editor, app_viewer TO app_server;
    END IF;
END
$$;
SELECT grant_segments_access('app_editor', scope, 'contacts') FROM unnest('{read:segments,write:segments,read:contacts}'::text[]) scope;
SELECT grant_segments_access('app_viewer', scope, 'contacts') FROM unnest('{read:segments,read:contacts}'::text[]) scope;
