-- Postgres's own date functions as an oracle of the core's calendar. `zone_changes` is what the core is told of zones; `answers` is
-- loaded with what it says, and `wrong` shows where Postgres, the operator @~ or the SQL over columns says otherwise.

CREATE TABLE zones (name text PRIMARY KEY);
INSERT INTO zones VALUES ('UTC'), ('Africa/Casablanca'), ('America/Havana'), ('America/New_York'), ('America/Santiago'), ('America/Sao_Paulo'),
    ('Antarctica/Troll'), ('Asia/Kathmandu'), ('Australia/Lord_Howe'), ('Europe/Berlin'), ('Pacific/Apia');

CREATE FUNCTION utc_offset(zone text, second bigint) RETURNS int STABLE LANGUAGE sql AS $$
    SELECT extract(epoch FROM (to_timestamp(second) AT TIME ZONE zone) - (to_timestamp(second) AT TIME ZONE 'UTC'))::int
$$;

-- The first second after `before` that has another offset, where the one at `after` has one.
CREATE FUNCTION change_between(zone text, before bigint, after bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    middle bigint;
    old CONSTANT int := utc_offset(zone, before);
BEGIN
    WHILE after - before > 1 LOOP
        middle := (before + after) / 2;
        IF utc_offset(zone, middle) = old THEN before := middle; ELSE after := middle; END IF;
    END LOOP;
    RETURN after;
END
$$;

-- Each offset of the zones from 1850 to 2150, with the second from which on it holds.
CREATE TABLE zone_changes AS
WITH days AS (
    SELECT name, second, utc_offset(name, second) AS found
      FROM zones, generate_series(extract(epoch FROM date '1850-01-01')::bigint, extract(epoch FROM date '2150-01-01')::bigint, 86400) second
), changed AS (
    SELECT name, second, found, lag(found, 1, found) OVER (PARTITION BY name ORDER BY second) AS before FROM days
)
SELECT name, change AS second, utc_offset(name, change) AS utc_offset
  FROM changed, change_between(name, second - 86400, second) change WHERE found <> before
UNION ALL
SELECT name, extract(epoch FROM date '0001-01-01')::bigint - 86400, utc_offset(name, extract(epoch FROM date '1850-01-01')::bigint) FROM zones;

-- The offsets that each zone ever has.
CREATE TABLE zone_offsets AS SELECT DISTINCT name, utc_offset FROM zone_changes;

CREATE TABLE answers (
    number bigint GENERATED ALWAYS AS IDENTITY, zone text, now timestamptz, type text, asked jsonb, stored jsonb, matches boolean,
    first date, last date, "from" timestamptz, until timestamptz, condition text
);

-- The following are asked with TimeZone as the zone of the question.

-- The beginning of a day: the first of the instants at which clocks show its midnight, or else what Postgres takes for it.
CREATE FUNCTION start_of(day date) RETURNS timestamptz STABLE LANGUAGE sql AS $$
    SELECT coalesce(min(at) FILTER (WHERE at::timestamp = day), day::timestamptz)
      FROM zone_offsets o, LATERAL (SELECT (day - make_interval(secs => o.utc_offset)) AT TIME ZONE 'UTC') a(at)
     WHERE o.name = current_setting('TimeZone')
$$;

-- The days of a date that is asked for, and where it is a point in time, that.
CREATE FUNCTION days_of(literal jsonb, now timestamptz, OUT first date, OUT last date, OUT at timestamptz) STABLE LANGUAGE plpgsql AS $$
DECLARE
    words CONSTANT text[] := string_to_array(literal ->> '$period', ' ');
    unit text := coalesce(literal ->> '$startOf', literal ->> '$endOf');
    distance int := 0;
    length interval;
BEGIN
    IF literal ? '$date' THEN
        IF length(literal ->> '$date') = 10 THEN first := literal ->> '$date'; ELSE at := literal ->> '$date'; END IF;
    ELSIF literal ? '$now' THEN
        at := now + (literal ->> '$now')::interval;
    ELSIF literal ? '$today' THEN
        first := now::date + (literal ->> '$today')::interval;
    ELSE
        first := now::date;
        distance := CASE words[1] WHEN 'this' THEN 0 WHEN 'last' THEN -1 WHEN 'next' THEN 1 WHEN 'in' THEN words[2]::int ELSE -words[1]::int END;
        unit := rtrim(CASE WHEN words[1] = 'in' THEN words[3] ELSE words[2] END, 's');
    END IF;
    first := coalesce(first, at::date);
    last := first;
    IF unit IS NOT NULL THEN
        length := CASE unit WHEN 'quarter' THEN interval '3 months' ELSE ('1 ' || unit)::interval END;
        first := date_trunc(unit, first::timestamp) + distance * length;
        last := first + length - interval '1 day';
        at := NULL;
        IF literal ? '$startOf' THEN last := first; ELSIF literal ? '$endOf' THEN first := last; END IF;
    END IF;
END
$$;

-- Whether a number compares so with those from `first` to `last`.
CREATE FUNCTION compares(number numeric, operator text, first numeric, last numeric) RETURNS boolean IMMUTABLE LANGUAGE sql AS $$
    SELECT CASE operator WHEN '$eq' THEN number BETWEEN first AND last WHEN '$ne' THEN number NOT BETWEEN first AND last
                         WHEN '$gt' THEN number > last WHEN '$gte' THEN number >= first WHEN '$lt' THEN number < first ELSE number <= last END
$$;

CREATE FUNCTION epoch(at timestamptz) RETURNS numeric IMMUTABLE LANGUAGE sql AS 'SELECT extract(epoch FROM at)';

-- Whether an anniversary of the day compares so with each of the dates: one of the first three of the years that come into question.
CREATE FUNCTION has_anniversary(day date, asked jsonb, now timestamptz) RETURNS boolean STABLE LANGUAGE plpgsql AS $$
DECLARE
    least date := '0001-01-01';
    greatest date := '9999-12-31';
    operator text;
    literal jsonb;
    first date;
    last date;
BEGIN
    FOR operator, literal IN SELECT * FROM jsonb_each(asked) LOOP
        SELECT d.first, d.last INTO first, last FROM days_of(literal, now) d;
        IF operator IN ('$eq', '$gte') THEN least := greatest(least, first); END IF;
        IF operator IN ('$eq', '$lte') THEN greatest := least(greatest, last); END IF;
        IF operator = '$gt' THEN least := greatest(least, last + 1); END IF;
        IF operator = '$lt' THEN greatest := least(greatest, first - 1); END IF;
    END LOOP;
    RETURN EXISTS (
        SELECT FROM generate_series(0, 2) n, greatest(1, extract(year FROM least)::int - extract(year FROM day)::int) first_one
         WHERE (day + make_interval(years => first_one + n))::date BETWEEN least AND greatest
    );
END
$$;

-- The point in time that is stored: a number of milliseconds or seconds, or a text, which is of UTC if it has no offset.
CREATE FUNCTION instant_of(type text, stored jsonb) RETURNS timestamptz IMMUTABLE LANGUAGE plpgsql AS $$
DECLARE
    text CONSTANT text := stored #>> '{}';
    micros bigint;
BEGIN
    IF jsonb_typeof(stored) = 'string' THEN RETURN CASE WHEN length(text) > 10 THEN (rtrim(text, 'Z') || 'Z')::timestamptz END; END IF;
    micros := text::numeric * CASE WHEN type LIKE '%(seconds)' THEN 1000000 ELSE 1000 END;
    -- In two, since an interval is multiplied by a float.
    RETURN timestamptz '1970-01-01Z' + (micros / 3600000000) * interval '1 hour' + (micros % 3600000000) * interval '1 microsecond';
END
$$;

CREATE FUNCTION is_match(type text, asked jsonb, stored jsonb, now timestamptz) RETURNS boolean STABLE LANGUAGE plpgsql AS $$
DECLARE
    name CONSTANT text := jsonb_object_keys(asked);
    instant CONSTANT timestamptz := instant_of(type, stored);
    is_number CONSTANT boolean := jsonb_typeof(stored) = 'number';
    -- A number that is a day is that of UTC.
    day CONSTANT date := CASE WHEN is_number AND type LIKE 'date%' THEN (instant AT TIME ZONE 'UTC')::date
                              WHEN instant IS NULL THEN (stored #>> '{}')::date ELSE instant::date END;
    operator text;
    found record;
    part numeric;
BEGIN
    IF name = '$anniversary' THEN RETURN has_anniversary(day, asked -> name, now); END IF;
    IF asked -> name ? '$date' OR asked -> name ? '$period' OR asked -> name ? '$now' OR asked -> name ? '$today' THEN
        SELECT * INTO found FROM days_of(asked -> name, now);
        IF type LIKE 'date%' OR instant IS NULL THEN
            RETURN compares(day - date '2000-01-01', name, found.first - date '2000-01-01', found.last - date '2000-01-01');
        ELSIF found.at IS NOT NULL THEN
            RETURN compares(epoch(instant), name, epoch(found.at), epoch(found.at));
        END IF;
        RETURN compares(epoch(instant), name, epoch(start_of(found.first)), epoch(start_of(found.last + 1)) - 0.000001);
    END IF;
    operator := jsonb_object_keys(asked -> name);
    part := CASE name WHEN '$year' THEN extract(year FROM day) WHEN '$month' THEN extract(month FROM day) WHEN '$dayOfMonth' THEN extract(day FROM day)
                      WHEN '$isoDayOfWeek' THEN extract(isodow FROM day) WHEN '$hour' THEN extract(hour FROM instant::timestamp) END;
    RETURN coalesce(compares(part, operator, (asked -> name ->> operator)::numeric, (asked -> name ->> operator)::numeric), operator = '$ne');
END
$$;

CREATE TABLE wrong (number bigint, what text);

-- Compares all answers, zone by zone.
CREATE PROCEDURE compare_dates() LANGUAGE plpgsql AS $$
DECLARE
    asked_zone text;
BEGIN
    FOR asked_zone IN SELECT name FROM zones LOOP
        PERFORM set_config('TimeZone', asked_zone, true);
        INSERT INTO wrong
        SELECT a.number, 'Postgres says ' || (NOT a.matches) FROM answers a
         WHERE a.zone = asked_zone AND is_match(a.type, a.asked, a.stored, a.now) IS DISTINCT FROM a.matches;
        INSERT INTO wrong
        SELECT a.number, format('for Postgres it is %s to %s, from %s until %s', d.first, d.last, d.at, d.until)
          FROM answers a, jsonb_each(a.asked) o,
               LATERAL (SELECT d.first, d.last, coalesce(d.at, start_of(d.first)) AS at, coalesce(d.at + interval '1 microsecond', start_of(d.last + 1)) AS until
                          FROM days_of(o.value, a.now) d) d
         WHERE a.zone = asked_zone AND a.first IS NOT NULL AND o.key <> '$anniversary'
           AND ((a.first, a.last) <> (d.first, d.last) OR a.type LIKE 'timestamp%' AND (a."from", a.until) <> (d.at, d.until));
    END LOOP;
END
$$;

-- What is stored, as a document has it and as columns have it.
CREATE TABLE dated (number bigint PRIMARY KEY, day date, instant timestamptz, wall timestamp, properties jsonb);
SELECT FROM attach_audience('dated', 'dated', id_column => 'number', properties_column => 'properties');
SELECT FROM create_property('of_day', 'date', 'dated');
SELECT FROM create_property('of_time', 'timestamp', 'dated');
SELECT FROM create_property('of_day_in_seconds', 'date(seconds)', 'dated');
SELECT FROM create_property('of_time_in_seconds', 'timestamp(seconds)', 'dated');

CREATE FUNCTION holds_for(field text, condition text, number bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    holds boolean;
BEGIN
    EXECUTE format('SELECT %s FROM dated WHERE number = %s', conditions_sql(replace(condition, '"at": {', format('"%s": {', field))::segment_condition, 'dated'), number)
       INTO holds;
    RETURN holds;
END
$$;

-- Asks the operator about all answers, and the SQL over columns and declared properties about each `step`th.
CREATE PROCEDURE compare_segments(step int) LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO wrong
    SELECT number, format('@~ says %s of %s', NOT matches, condition) FROM answers
     WHERE jsonb_build_object('at', stored) @~ condition::segment_condition IS DISTINCT FROM matches;

    INSERT INTO dated
    SELECT number, CASE WHEN type = 'date' AND instant IS NULL THEN (stored #>> '{}')::date END, CASE WHEN type = 'timestamp' THEN instant END,
           CASE WHEN type = 'timestamp' THEN instant AT TIME ZONE 'UTC' END,
           jsonb_build_object(split_part(replace(replace(type, 'timestamp', 'of_time'), 'date', 'of_day'), '(', 1) || CASE WHEN type LIKE '%(seconds)' THEN '_in_seconds' ELSE '' END, stored)
      FROM answers, LATERAL (SELECT instant_of(type, stored)) i(instant) WHERE number % step = 0;
    INSERT INTO wrong
    SELECT number, format('%s says %s of %s', field, NOT matches, condition)
      FROM dated d JOIN answers a USING (number), LATERAL (VALUES ('day', d.day IS NOT NULL), ('instant', d.instant IS NOT NULL), ('wall', d.wall IS NOT NULL),
                ('of_day', a.type = 'date'), ('of_time', a.type = 'timestamp'), ('of_day_in_seconds', a.type = 'date(seconds)'),
                ('of_time_in_seconds', a.type = 'timestamp(seconds)')) f(field, is_stored)
     WHERE is_stored AND holds_for(field, condition, number) IS DISTINCT FROM matches;
END
$$;
