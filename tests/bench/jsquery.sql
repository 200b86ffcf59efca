-- jsquery with an index of its own.

CREATE EXTENSION IF NOT EXISTS jsquery;
CREATE INDEX IF NOT EXISTS indexed_contacts_jsquery ON indexed_contacts USING gin (properties jsonb_path_value_ops);
