-- The extension, a table of contacts, and what conditions may say about them.

\set ECHO queries
\o /dev/null
CREATE EXTENSION segments;

-- An ordinary table of yours. Its columns are properties; so are the keys of its jsonb column that you declare.
SELECT create_contacts();

SELECT create_property('lifetime_value', 'number');
SELECT create_property('plan', 'string');
SELECT create_property('tags', 'string[]');
SELECT create_property('last_purchase_date', 'date');
SELECT create_property('score', 'number');
SELECT create_property('company', 'json');

SELECT create_topic('Weekly digest', 'weekly');
SELECT create_topic('Product news', 'product-news');
