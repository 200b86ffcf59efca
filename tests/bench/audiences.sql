-- The same tables as audiences, with what their conditions speak of declared.

CREATE EXTENSION segments;
SELECT attach_audience(name, name::regclass, properties_column => 'properties')
FROM unnest(ARRAY['contacts', 'large_contacts', 'indexed_contacts']) name;
SELECT attach_topics('contacts', 'contact_topics', 'contact_id', 'topic');
SELECT create_topic('Weekly digest', 'weekly');
SELECT create_property(property, type, audience)
FROM unnest(ARRAY['contacts', 'large_contacts', 'indexed_contacts']) audience,
     (VALUES ('country', 'string'), ('city', 'string'), ('plan', 'string'), ('referrer', 'string'), ('lifetime_value', 'number'),
             ('email_opens', 'number'), ('score', 'number'), ('last_purchase_date', 'date'),
             ('tags', 'string[]'), ('company', 'json')) properties(property, type);
