-- Functions and operators that fit better than Postgres's own where a script leaves an operand's type to be converted.
SET search_path = pg_catalog;
DO $$
DECLARE
    types CONSTANT regtype[] := '{"char",name,text,int4,int8,float8,oid,regclass,regtype,interval,timestamptz}';
    shadow record;
BEGIN
    FOR shadow IN SELECT l, r FROM unnest(types) l, unnest(types) r LOOP
        EXECUTE format('CREATE FUNCTION public.shadow(%s, %s) RETURNS boolean LANGUAGE plpgsql AS %L', shadow.l, shadow.r, 'BEGIN RAISE EXCEPTION ''shadow''; END');
        EXECUTE format('CREATE FUNCTION public.format(text, %s, %s) RETURNS text LANGUAGE plpgsql AS %L', shadow.l, shadow.r, 'BEGIN RAISE EXCEPTION ''shadow''; END');
    END LOOP;
    FOR shadow IN SELECT l FROM unnest(types) l LOOP
        EXECUTE format('CREATE FUNCTION public.format(text, %s) RETURNS text LANGUAGE plpgsql AS %L', shadow.l, 'BEGIN RAISE EXCEPTION ''shadow''; END');
    END LOOP;
    FOR shadow IN
        SELECT name, l, r FROM unnest('{=,<>,<,>,+,-,*,^,||}'::text[]) name, unnest(types) l, unnest(types) r
         WHERE to_regoperator(format('pg_catalog.%s(%s, %s)', name, l, r)) IS NULL
    LOOP
        EXECUTE format('CREATE OPERATOR public.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = public.shadow)', shadow.name, shadow.l, shadow.r);
    END LOOP;
END $$;
