-- Contacts whose ids are jsonb, strings among them, can be read page by page.
\pset format unaligned
\pset tuples_only on
CREATE TABLE signs (sign jsonb PRIMARY KEY, made jsonb);
INSERT INTO signs VALUES ('"a"', '1'), ('"b \" c"', '"x"'), ('7', '"x"'), ('null', 'null'), ('"7"', NULL);
SELECT attach_audience('signs', 'signs', created_column => 'made');
CREATE FUNCTION pages(backwards boolean) RETURNS SETOF jsonb LANGUAGE plpgsql AS $$
DECLARE
    cursor text;
    contact jsonb;
BEGIN
    LOOP
        contact := NULL;
        IF backwards THEN
            SELECT c INTO contact FROM search_contacts('{}', 'signs', 1, before => coalesce(cursor, (
                SELECT l ->> 'cursor' FROM search_contacts('{}', 'signs', 10) WITH ORDINALITY f(l, n) ORDER BY n DESC LIMIT 1))) c;
        ELSE
            SELECT c INTO contact FROM search_contacts('{}', 'signs', 1, after => cursor) c;
        END IF;
        EXIT WHEN contact IS NULL;
        cursor := contact ->> 'cursor';
        RETURN NEXT contact -> 'id';
    END LOOP;
END
$$;
SET client_min_messages = warning;
SELECT c -> 'id' FROM search_contacts('{}', 'signs') c;
SELECT * FROM pages(false);
SELECT * FROM pages(true);
DROP FUNCTION pages;
SELECT detach_audience('signs');
DROP TABLE signs;
