-- Entries and exits of segments that read relations: refreshes find them, of live audiences, too.
\pset format unaligned
\pset tuples_only on
CREATE TABLE shoppers (id int PRIMARY KEY, country text);
CREATE TABLE purchases (id int PRIMARY KEY, shopper int, total numeric, placed_at timestamptz);
INSERT INTO shoppers SELECT n, 'US' FROM generate_series(1, 4) n;
INSERT INTO purchases SELECT n, 1 + n % 3, n, now() - n * interval '10 days' FROM generate_series(1, 6) n;
SELECT attach_audience('shoppers', 'shoppers');
SELECT attach_relation('purchases', 'purchases', 'shopper', audience => 'shoppers', time_column => 'placed_at');
SELECT contact_count FROM create_segment('bought twice', '{"purchases": {"$count": {"$gte": 2}}}', audience => 'shoppers');
SELECT contact_count FROM create_segment('quiet', '{"purchases": {"$none": {"placed_at": {"$gte": {"$now": "-25 days"}}}}}', audience => 'shoppers');
SELECT contact_count FROM create_segment('buyers in the US', '{"country": "US", "purchases": {"$empty": false}}', audience => 'shoppers');
SELECT count(watch_segment(id)) FROM segments.segment WHERE audience = 'shoppers';
CREATE FUNCTION moved_since(after text) RETURNS TABLE (segment text, changes text) LANGUAGE sql AS $$
    SELECT s.name, string_agg(c.change || ' ' || c.contact_id, ', ' ORDER BY c.contact_id)
      FROM segment_changes(after, NULL) c JOIN segments.segment s ON s.id = c.segment GROUP BY s.name ORDER BY s.name
$$;
SELECT segments.newest_position() AS start \gset
INSERT INTO purchases VALUES (7, 4, 10, now()), (8, 4, 10, now());
DELETE FROM purchases WHERE id = 3;
UPDATE purchases SET placed_at = placed_at - interval '10 days' WHERE id = 2;
SELECT count(contact_count), count(error) FROM refresh_segments('shoppers');
SELECT * FROM moved_since(:'start');
SELECT counts_of('shoppers');
-- Live: what triggers keep, they record; the others wait for a refresh.
SELECT set_freshness('shoppers', 'live');
SELECT s.name, t.kept, m.ids FROM segments.segment s JOIN segments.segment_status t ON t.segment = s.id LEFT JOIN segments.member_set m ON m.segment = s.id
 WHERE s.audience = 'shoppers' ORDER BY 1;
SELECT segments.newest_position() AS start \gset
UPDATE shoppers SET country = 'DE' WHERE id = 2;
DELETE FROM purchases WHERE shopper = 4;
SELECT count(contact_count), count(error) FROM refresh_segments('shoppers');
SELECT * FROM moved_since(:'start');
SELECT counts_of('shoppers');
SELECT detach_audience('shoppers', true);
DROP FUNCTION moved_since;
DROP TABLE purchases, shoppers;
