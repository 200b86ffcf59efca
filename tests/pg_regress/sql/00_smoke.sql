-- The extension that was created is the one that was built.
\pset format unaligned
\pset tuples_only on
SELECT extversion = default_version AS is_current
FROM pg_extension JOIN pg_available_extensions ON name = extname
WHERE extname = 'segments';
