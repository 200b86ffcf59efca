-- The tables of live audiences, or $1 alone, as they were recorded and as they are: which parts were added, which are gone, which of
-- these still exist, and which stayed; to whom row security may apply; whether there may be an obstacle; and the recorded gaps.
, used(relation, owner, is_of_another) AS (
    SELECT t.relation::oid, c.relowner, false
      FROM segments.table_config t LEFT JOIN pg_class c ON c.oid = t.relation
     WHERE EXISTS (SELECT FROM segments.audience_config a WHERE a.source = t.audience AND a.freshness = 'live')
     UNION ALL
    -- The rows of a relation are followed if its table has the owner of the contacts' table.
    SELECT o.relation, c.relowner, o.name <> '$topic' AND k.relowner <> c.relowner
      FROM other o
      JOIN segments.table_config t ON t.audience = o.source
      LEFT JOIN pg_class c ON c.oid = t.relation
      LEFT JOIN pg_class k ON k.oid = o.relation
     WHERE EXISTS (SELECT FROM segments.audience_config a WHERE a.source = t.audience AND a.freshness = 'live')),
root AS (
    SELECT l.root::oid AS oid, l.silent, l.restricted, l.obstructed, c.relrowsecurity AS has_policies
      FROM segments.live_table l JOIN pg_class c ON c.oid = l.root
     WHERE l.part = l.root AND ($1 IS NULL OR l.root::oid = $1)
       AND l.root::oid = ANY (SELECT u.relation FROM used u)),
part(root, oid, is_pending) AS (
    SELECT root.oid, root.oid, false FROM root
    UNION
    -- While DETACH … CONCURRENTLY of a partition is not finished, it still counts as a partition and keeps its triggers.
    SELECT part.root, i.inhrelid, part.is_pending OR i.inhdetachpending
      FROM part JOIN pg_inherits i ON i.inhparent = part.oid),
shared AS (
    SELECT p.root FROM part p JOIN pg_inherits i ON i.inhrelid = p.oid
     WHERE NOT EXISTS (SELECT FROM part q WHERE q.root = p.root AND q.oid = i.inhparent)),
recorded AS (
    SELECT l.root::oid AS root, l.part::oid AS oid FROM segments.live_table l),
change AS (
    SELECT coalesce(p.root, r.root) AS root,
           array_agg(p.oid ORDER BY p.oid) FILTER (WHERE r.oid IS NULL AND NOT p.is_pending) AS added,
           array_agg(r.oid ORDER BY r.oid) FILTER (WHERE p.oid IS NULL) AS gone,
           array_agg(r.oid ORDER BY r.oid) FILTER (WHERE p.oid IS NULL AND k.oid IS NOT NULL) AS detached,
           array_agg(r.oid ORDER BY r.oid) FILTER (WHERE p.oid IS NOT NULL AND r.oid IS NOT NULL) AS kept,
           bool_or(k.relkind <> ALL ('{r,p}') OR k.relpersistence = 'u')
               FILTER (WHERE p.oid IS NOT NULL) AS has_others
      FROM part p
      FULL JOIN recorded r ON p.root = r.root AND p.oid = r.oid
      LEFT JOIN pg_class k ON k.oid = coalesce(p.oid, r.oid)
     GROUP BY 1)
SELECT root.oid, coalesce(c.added, '{}'), coalesce(c.gone, '{}'), coalesce(c.detached, '{}'), coalesce(c.kept, '{}'),
       -- To whom row security may apply.
       ARRAY(SELECT DISTINCT u.owner FROM used u
              WHERE root.has_policies AND u.relation = root.oid AND u.owner IS NOT NULL ORDER BY u.owner),
       -- Where there may be an obstacle: it has parts of another kind, it or one of them is a part of another table, or it
       -- may be distributed by Citus.
       c.has_others OR to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL
       OR root.oid = ANY (SELECT s.root FROM shared s),
       root.silent, root.restricted, root.obstructed,
       -- The owners of contacts whose relation it is, and who do not own it.
       ARRAY(SELECT DISTINCT u.owner FROM used u WHERE u.is_of_another AND u.relation = root.oid AND u.owner IS NOT NULL)
  FROM root JOIN change c ON c.root = root.oid
 ORDER BY root.oid
