-- Of the audience $1 and those that are based on it, those with watched segments that use columns of the names $2. The text of a condition
-- says so: where a name is not in it, the condition does not read the column. A name that conditions write with a backslash counts as read.
SELECT DISTINCT a.name
  FROM segments.watch_config w
  JOIN segments.segment_config watched ON watched.id = w.segment
  JOIN segments.audience_config a ON a.name = watched.audience
  JOIN segments.table_config t ON t.audience = a.source
 WHERE w.watched AND a.source = $1
   AND EXISTS (SELECT FROM unnest($2) c(name)
                WHERE c.name IN (t.id_column, t.properties_column, t.topics_contact_column, t.topics_topic_column)
                   OR c.name ~ '["\\.$]'
                   OR strpos(a.scope::text, c.name) > 0
                   OR EXISTS (SELECT FROM segments.segment_config s
                               WHERE s.audience = a.name AND strpos(s.conditions::text, c.name) > 0))
