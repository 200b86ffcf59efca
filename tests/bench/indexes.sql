-- What is measured with indexes: the operator and hand-written SQL share them.

CREATE INDEX IF NOT EXISTS indexed_contacts_paths ON indexed_contacts USING gin (properties jsonb_path_ops);
CREATE INDEX indexed_contacts_value ON indexed_contacts (property_number(properties, 'lifetime_value'));

CREATE INDEX IF NOT EXISTS contact_columns_place ON contact_columns (country, plan);
CREATE INDEX IF NOT EXISTS contact_columns_opens ON contact_columns (email_opens);
CREATE INDEX IF NOT EXISTS contact_columns_value ON contact_columns (lifetime_value);
CREATE INDEX IF NOT EXISTS contact_columns_tags ON contact_columns USING gin (tags);
