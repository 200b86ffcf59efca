// Segments over HTTP. Who may do what is for the database to say: each token has a role, and the role has scopes.
//
//     DATABASE_URL=postgresql://app_server:app_server@127.0.0.1/demo node server.mjs
import fastifyStatic from '@fastify/static';
import fastify from 'fastify';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

/** The role of each token. In earnest, keep hashes of tokens, in a table. */
const ROLES = new Map(Object.entries(JSON.parse(process.env.TOKENS ?? '{"editor-token": "app_editor", "viewer-token": "app_viewer"}')));

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });
const app = fastify();
app.register(fastifyStatic, { root: fileURLToPath(new URL('web', import.meta.url)) });

/** Runs `work(query)` in a transaction, as the role of the request's token. `query(sql, …)` gives the rows. */
async function asCaller(request, work) {
  const role = ROLES.get(request.headers.authorization?.replace(/^Bearer /, ''));
  if (!role) throw Object.assign(new Error('no such token'), { statusCode: 401 });
  const client = await pool.connect();
  try {
    await client.query(`BEGIN; SET LOCAL ROLE ${pg.escapeIdentifier(role)}; SET LOCAL statement_timeout = '10s'`);
    const result = await work(async (sql, ...values) => (await client.query(sql, values)).rows);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  } finally {
    client.release();
  }
}

// Segments

app.post('/v1/segments', async (request, reply) => {
  const { name = null, description = null, conditions = null, time_zone = null } = request.body ?? {};
  const segment = await asCaller(request, async (query) => {
    const [{ id }] = await query('SELECT id FROM create_segment($1, $2, $3, time_zone => $4)', name, json(conditions), description, time_zone);
    return find(query, id);
  });
  return reply.code(201).send(segment);
});

app.get('/v1/segments', (request) => asCaller(request, (query) => page(request.query, 'id', (limit, after, before) =>
  query('SELECT to_jsonb(s) AS item FROM list_segments(NULL, $1, $2::uuid, $3::uuid) s', limit, after, before))));

app.get('/v1/segments/:id', (request) => asCaller(request, (query) => find(query, request.params.id)));

app.patch('/v1/segments/:id', (request) => asCaller(request, async (query) => {
  await query('SELECT FROM update_segment($1::uuid, $2::jsonb)', uuid(request.params.id), json(request.body));
  return find(query, request.params.id);
}));

app.delete('/v1/segments/:id', (request) => asCaller(request, async (query) => {
  const [{ id }] = await query('SELECT delete_segment($1::uuid) AS id', uuid(request.params.id));
  return { object: 'segment', id, deleted: true };
}));

app.get('/v1/segments/:id/history', (request) => asCaller(request, (query) =>
  query('SELECT counted_at, contact_count::float FROM segments.count_history WHERE segment = $1 ORDER BY counted_at', uuid(request.params.id))));

app.get('/v1/segments/:id/contacts/:contact', (request) => asCaller(request, (query) =>
  query('SELECT * FROM explain_match($1, $2::uuid)', request.params.contact, uuid(request.params.id))));

/** How many contacts a condition has now, how long counting took, and what there is to say of it. */
app.post('/v1/segments/preview', (request) => asCaller(request, async (query) => {
  const { conditions: given, time_zone = null } = request.body ?? {};
  const conditions = json(given);
  const findings = await query('SELECT * FROM validate_conditions($1, time_zone => $2)', conditions, time_zone);
  if (findings.some(({ severity }) => severity === 'error')) return { object: 'preview', count: null, milliseconds: null, findings };
  const began = performance.now();
  const [{ count }] = await query('SELECT count_contacts($1, time_zone => $2)::float AS count', conditions, time_zone);
  return { object: 'preview', count, milliseconds: performance.now() - began, findings };
}));

// Contacts

app.post('/v1/contacts/search', (request) => asCaller(request, (query) => page(request.body ?? {}, 'cursor', (limit, after, before) =>
  query('SELECT c AS item FROM search_contacts($1, page_size => $2, after => $3, before => $4, time_zone => $5) c',
    json(request.body?.conditions), limit, after, before, request.body?.time_zone ?? null))));

app.get('/v1/fields', (request) => asCaller(request, async (query) => (await query('SELECT segments.builder_fields() AS fields'))[0].fields));

const json = (value) => (value === undefined ? null : JSON.stringify(value));

async function find(query, id) {
  const [{ segment }] = await query('SELECT to_jsonb(s) AS segment FROM get_segment($1::uuid) s', uuid(id));
  return segment;
}

function uuid(text) {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return text;
  throw Object.assign(new Error(`there is no segment "${text}"`), { statusCode: 404 });
}

/** A page as a request asks for it: 20 items, at most 100, after or before one; and whether there are more that way. */
async function page({ limit = 20, after = null, before = null }, cursor, read) {
  const size = Number(limit);
  if (!Number.isInteger(size) || size < 1 || size > 100) throw Object.assign(new Error('limit is a number from 1 to 100'), { statusCode: 400, pointer: '/limit' });
  const data = (await read(size, after, before)).map(({ item }) => item);
  const edge = data.length === size && data.at(before ? 0 : -1)[cursor];
  const next = edge && (await read(1, before ? null : edge, before ? edge : null));
  return { object: 'list', data, has_more: Boolean(next?.length) };
}

// Errors: the database's message, where in the condition it is, and the way out.

const STATUS = { 42501: 403, 42704: 404, 42710: 409, '2BP01': 409, '42P17': 409, 57014: 503 };
const MISTAKES = /^(22|42|0A|54)/;

app.setErrorHandler((error, request, reply) => {
  const status = error.statusCode ?? STATUS[error.code] ?? (MISTAKES.test(error.code) ? 400 : 500);
  if (status === 500) console.error(error);
  const pointer = error.pointer ?? /^At (\/.*)$/.exec(error.detail)?.[1];
  const message = status === 500 ? 'something went wrong' : error.message;
  return reply.code(status).send({ object: 'error', code: error.code, message, pointer, hint: error.hint });
});

await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 8080) });
console.log(`http://127.0.0.1:${app.server.address().port}/`);
