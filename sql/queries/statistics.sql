-- The statistics of properties, from what was counted: `counted` has a row for each property's number and value.
-- $1: names, $2: types, $3: whether the values are numbers or dates.
property AS (
    SELECT p.*, n.members AS all_members, n.contacts AS all_contacts
      FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2), pg_catalog.unnest($3)) WITH ORDINALITY p(name, type, is_ordered, number)
      LEFT JOIN counted n ON n.number OPERATOR(pg_catalog.=) 0),
-- The values of each property, with their places among the members' and all contacts' values, by frequency and by order.
ranked AS MATERIALIZED (
    SELECT c.number, c.value, c.members, c.contacts,
           pg_catalog.row_number() OVER (PARTITION BY c.number ORDER BY c.members DESC, c.contacts DESC, c.value) AS place,
           pg_catalog.row_number() OVER (PARTITION BY c.number ORDER BY c.contacts DESC, c.value) AS audience_place,
           pg_catalog.sum(c.members) OVER in_order AS members_to,
           pg_catalog.sum(c.contacts) OVER in_order AS contacts_to
      FROM counted c WHERE c.value IS NOT NULL
    WINDOW in_order AS (PARTITION BY c.number ORDER BY c.value)),
total AS (
    SELECT c.number,
           pg_catalog.sum(c.members) FILTER (WHERE c.per_contact) AS with_members,
           pg_catalog.sum(c.contacts) FILTER (WHERE c.per_contact) AS with_contacts,
           pg_catalog.count(c.value) AS distinct_values,
           pg_catalog.sum(c.members) FILTER (WHERE c.value IS NOT NULL) AS members,
           pg_catalog.sum(c.contacts) FILTER (WHERE c.value IS NOT NULL) AS contacts
      FROM counted c GROUP BY c.number),
described AS (
    SELECT p.*, t.members, t.contacts,
           COALESCE(t.with_members, 0) AS with_members, COALESCE(t.with_contacts, 0) AS with_contacts,
           p.is_ordered AND t.distinct_values OPERATOR(pg_catalog.>) 20 AS has_quantiles
      FROM property p LEFT JOIN total t ON t.number OPERATOR(pg_catalog.=) p.number)
SELECT d.name, d.type,
       pg_catalog.trim_scale(pg_catalog.round(d.with_members
                OPERATOR(pg_catalog./) CASE WHEN d.all_members OPERATOR(pg_catalog.<>) 0 THEN d.all_members END, 6)),
       pg_catalog.trim_scale(pg_catalog.round(d.with_contacts
                OPERATOR(pg_catalog./) CASE WHEN d.all_contacts OPERATOR(pg_catalog.<>) 0 THEN d.all_contacts END, 6)),
       COALESCE(CASE WHEN d.has_quantiles THEN quantiles.of_members ELSE frequent.of_members END, '[]'),
       COALESCE(CASE WHEN d.has_quantiles THEN quantiles.of_contacts ELSE frequent.of_contacts END, '[]')
  FROM described d
 CROSS JOIN LATERAL (
    SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('value', s.value, 'share', s.share, 'lift', s.lift) ORDER BY s.place)
               FILTER (WHERE s.place OPERATOR(pg_catalog.<=) 10 AND s.members OPERATOR(pg_catalog.>) 0) AS of_members,
           pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('value', s.value, 'share', s.audience_share, 'lift', s.lift)
                                ORDER BY s.audience_place)
               FILTER (WHERE s.audience_place OPERATOR(pg_catalog.<=) 10) AS of_contacts
      FROM (SELECT r.*, pg_catalog.trim_scale(pg_catalog.round(f.share, 6)) AS share,
                   pg_catalog.trim_scale(pg_catalog.round(f.audience_share, 6)) AS audience_share,
                   pg_catalog.trim_scale(pg_catalog.round(f.share OPERATOR(pg_catalog./) f.audience_share, 4)) AS lift
              FROM ranked r
             CROSS JOIN LATERAL (SELECT r.members::pg_catalog.numeric
                                                OPERATOR(pg_catalog./) CASE WHEN d.all_members OPERATOR(pg_catalog.<>) 0 THEN d.all_members END,
                                        r.contacts::pg_catalog.numeric OPERATOR(pg_catalog./) d.all_contacts) f(share, audience_share)
             WHERE r.number OPERATOR(pg_catalog.=) d.number AND NOT d.has_quantiles
               AND (r.place OPERATOR(pg_catalog.<=) 10 OR r.audience_place OPERATOR(pg_catalog.<=) 10)) s) frequent
 CROSS JOIN LATERAL (
    SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('quantile', q.quantile, 'value', r.value) ORDER BY q.quantile)
               FILTER (WHERE q.member OPERATOR(pg_catalog.<=) r.members_to
                         AND q.member OPERATOR(pg_catalog.>) (r.members_to OPERATOR(pg_catalog.-) r.members)) AS of_members,
           pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('quantile', q.quantile, 'value', r.value) ORDER BY q.quantile)
               FILTER (WHERE q.contact OPERATOR(pg_catalog.<=) r.contacts_to
                         AND q.contact OPERATOR(pg_catalog.>) (r.contacts_to OPERATOR(pg_catalog.-) r.contacts)) AS of_contacts
      -- A quantile is the value of the contact at that place, in the order of the values.
      FROM (SELECT v.quantile, GREATEST(1, pg_catalog.ceil(v.quantile OPERATOR(pg_catalog.*) d.members)) AS member,
                   GREATEST(1, pg_catalog.ceil(v.quantile OPERATOR(pg_catalog.*) d.contacts)) AS contact
              FROM (VALUES (0), (0.1), (0.25), (0.5), (0.75), (0.9), (1)) v(quantile)) q
      JOIN ranked r ON r.number OPERATOR(pg_catalog.=) d.number AND d.has_quantiles) quantiles
 ORDER BY d.number
