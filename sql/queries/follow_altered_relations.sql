-- Writes the present names of the relations $1 and of their columns into the definitions of audiences, and returns for each that it has
-- changed its tables, and the list of their columns before and after. Audiences that are based on another have no tables of their own.
-- Thousands of others may have one table, which is locked meanwhile, so all are updated at once.
WITH audience AS MATERIALIZED (
    SELECT a AS before, segments.follow_columns(a) AS after
      FROM segments.table_config a
     WHERE a.relation::oid = ANY ($1) OR a.topics_relation::oid = ANY ($1))
UPDATE segments.table_config a
   SET relation_name = (c.after).relation_name,
       topics_relation_name = (c.after).topics_relation_name,
       id_column = (c.after).id_column, id_number = (c.after).id_number,
       properties_column = (c.after).properties_column, properties_number = (c.after).properties_number,
       created_column = (c.after).created_column, created_number = (c.after).created_number,
       columns = (c.after).columns, column_numbers = (c.after).column_numbers,
       topics_contact_column = (c.after).topics_contact_column, topics_contact_number = (c.after).topics_contact_number,
       topics_topic_column = (c.after).topics_topic_column, topics_topic_number = (c.after).topics_topic_number,
       attributes = (c.after).attributes
  FROM audience c
 WHERE a.audience = (c.before).audience AND to_jsonb(c.after) <> to_jsonb(c.before)
RETURNING a.audience, a.relation::oid, a.topics_relation::oid, (c.before).attributes, (c.after).attributes
