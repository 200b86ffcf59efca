-- Writes the present names of the tables $1 and of their columns into the definitions of relations, and returns each that it has changed, with
-- the list of its table's columns before and after.
WITH relation AS MATERIALIZED (
    SELECT r AS before, segments.follow_columns(r) AS after
      FROM segments.relation_config r
     WHERE r.relation::oid = ANY ($1))
UPDATE segments.relation_config r
   SET relation_name = (c.after).relation_name,
       contact_column = (c.after).contact_column, contact_number = (c.after).contact_number,
       properties_column = (c.after).properties_column, properties_number = (c.after).properties_number,
       time_column = (c.after).time_column, time_number = (c.after).time_number,
       columns = (c.after).columns, column_numbers = (c.after).column_numbers,
       attributes = (c.after).attributes
  FROM relation c
 WHERE r.audience = (c.before).audience AND r.name = (c.before).name AND to_jsonb(c.after) <> to_jsonb(c.before)
RETURNING r.audience, r.name, r.relation::oid, (c.before).attributes, (c.after).attributes
