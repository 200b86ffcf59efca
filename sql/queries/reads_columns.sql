-- Whether the audience $1 has watched segments, and uses columns of the names $2. The text of a condition says so: where a name is not
-- in it, the condition does not read the column. A name that conditions write with a backslash counts as read.
SELECT true
  FROM segments.audience_config a
 WHERE a.name = $1
   AND EXISTS (SELECT FROM segments.watch_config w
                 JOIN segments.segment_config s ON s.id = w.segment
                WHERE s.audience = a.name AND w.watched)
   AND EXISTS (SELECT FROM unnest($2) c(name)
                WHERE c.name IN (a.id_column, a.properties_column, a.topics_contact_column, a.topics_topic_column)
                   OR c.name ~ '["\\.$]'
                   OR strpos(a.scope::text, c.name) > 0
                   OR EXISTS (SELECT FROM segments.segment_config s
                               WHERE s.audience = a.name AND strpos(s.conditions::text, c.name) > 0))
