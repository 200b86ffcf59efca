// The extension in a server: the operator by a scan and through indexes, and the SQL, the indexes and the counts of an
// attached table, some of whose properties are columns. Each condition of a group is put to each document of it.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { batched } from "./batch.mjs";

export const allowed = [];

/** How many documents, and as many conditions, are put to each other. */
const GROUP = 200;
/** Of how many in a hundred conditions an index has to be used, or its way would prove nothing. */
const LEAST = { jsonb_ops: 30, jsonb_path_ops: 20, "indexes of typed": 30, "indexes of untyped": 2 };

const file = (name) => new URL(name, import.meta.url).pathname;
const properties = JSON.parse(readFileSync(file("../properties.json")));
/** The properties of each audience: those of any type, or those of one. */
const audiences = { untyped: properties.filter(({ values }) => !values), typed: properties.filter(({ values }) => values) };
const literal = (text) => `'${text.replaceAll("'", "''")}'`;

let contradicted = [];
let isReady = false;

export const { matches, learn, forget } = batched((questions) => {
  if (!isReady) psql(setup());
  isReady = true;
  const pairs = questions.map((question) => JSON.parse(question));
  const numbers = [...pairs.keys()];
  const groups = [...Object.keys(audiences), undefined].flatMap((audience) => {
    const group = numbers.filter((number) => audienceOf(pairs[number].document) === audience);
    return groupsOf(group).map((group) => ask(group, pairs, audience));
  });
  const answers = [];
  for (const line of psql(groups.join(""))) {
    const { number, finds } = JSON.parse(line);
    answers[number] = typeof finds === "boolean" ? finds : dissent(pairs, number, finds);
  }
  return answers;
});

/** Pairs of a document and another one's condition on which the ways have differed since this was last asked. */
export function contradictions() {
  const pairs = contradicted;
  contradicted = [];
  return pairs;
}

/** How often an index was used, in per cent, and how often it should have been. */
export function coverage() {
  const lines = psql("SELECT json_object_agg(way, share) FROM (SELECT way, avg(100 * is_indexed::int) FROM planned GROUP BY way) p(way, share);");
  const shares = JSON.parse(lines[0] || "{}");
  return Object.entries(LEAST).map(([way, least]) => ({ what: `by an index: ${way}`, share: shares[way] ?? 0, least }));
}

function groupsOf(numbers) {
  return Array.from({ length: Math.ceil(numbers.length / GROUP) }, (_, index) => numbers.slice(index * GROUP, (index + 1) * GROUP));
}

function ask(numbers, pairs, audience) {
  const rows = numbers.map((number) => {
    const { document, condition } = pairs[number];
    return `${number}\t${[document, condition].map((json) => JSON.stringify(json).replaceAll("\\", "\\\\")).join("\t")}\n`;
  });
  return `BEGIN; TRUNCATE asked;\nCOPY asked FROM STDIN;\n${rows.join("")}\\.\nSELECT answers(${audience ? literal(audience) : "NULL"}); COMMIT;\n`;
}

/** The answer for a condition's own document, where the ways do not all find the same. */
function dissent(pairs, number, finds) {
  const ways = Object.entries(finds);
  const failed = ways.filter(([, numbers]) => !numbers.startsWith("{"));
  if (failed.length > 0) return failed.map(([way, error]) => `${way}: ${error}`).join("; ");
  const sets = ways.map(([way, numbers]) => [way, new Set(JSON.parse(`[${numbers.slice(1, -1)}]`))]);
  const finders = (document) => sets.filter(([, found]) => found.has(document)).map(([way]) => way);
  const disputed = [...new Set(sets.flatMap(([, found]) => [...found]))].filter((document) => finders(document).length < ways.length);
  const others = disputed.filter((document) => document !== number);
  contradicted.push(...others.map((other) => ({ document: pairs[other].document, condition: pairs[number].condition })));
  const found = finders(number);
  return found.length > 0 && found.length < ways.length ? `only ${found.join(", ")}` : found.length > 0;
}

/** The audience that has the document as a contact. There may be none while a document is shrunk. */
function audienceOf(document) {
  const members = Object.entries(document);
  const isContactOf = (properties) =>
    members.every(([name, value]) => properties.some((property) => property.name === name && isOf(property, value)));
  return Object.keys(audiences).find((audience) => isContactOf(audiences[audience]));
}

/** Whether a value may be a property's: one of those that it is declared with, or an array of these. */
function isOf({ type, column, values }, value) {
  if (!values) return true;
  if (value === null) return !column;
  if (type.endsWith("[]")) return Array.isArray(value) && value.every((item) => item === null || values.includes(item));
  return values.includes(value);
}

function setup() {
  const statements = Object.entries(audiences).map(([audience, properties]) => {
    const columns = properties.filter(({ column }) => column);
    const custom = properties.filter(({ column }) => !column);
    const names = columns.map(({ name }) => `"${name}"`).join(", ");
    const values = columns.map(({ name, column }) => (column === "jsonb" ? `a.document -> ${literal(name)}` : `r."${name}"`));
    return `
      CREATE TABLE ${audience} (id int, properties jsonb, ${columns.map(({ name, column }) => `"${name}" ${column}`).join(", ")});
      CREATE INDEX ON ${audience} USING gin (properties);
      CREATE VIEW ${audience}_asked (id, properties, ${names}) AS
      SELECT a.number, a.document - ARRAY[${columns.map(({ name }) => literal(name)).join(", ")}], ${values.join(", ")}
        FROM asked a, jsonb_populate_record(NULL::${audience}, a.document) r;
      SELECT attach_audience('${audience}', '${audience}', id_column => 'id', properties_column => 'properties');
      ${custom.map(({ name, type }) => `SELECT create_property(${literal(name)}, ${literal(type)}, '${audience}');`).join("\n")}
    `;
  });
  return `
    CREATE EXTENSION segments;
    \\i ${file("server.sql")}
    ${statements.join("\n")}
    SELECT index_property(name, audience) FROM segments.property
     WHERE name <> 'id' AND type <> 'json' AND NOT (kind = 'custom' AND type LIKE '%[]') \\gexec
  `;
}

function psql(input) {
  const options = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"];
  const { status, stdout, stderr, error } = spawnSync(process.env.CONFORMANCE_SERVER, ["psql", ...options], {
    input: `SET client_min_messages = warning; SET jit = off;\n${input}`,
    encoding: "utf8",
    maxBuffer: 2 ** 31,
  });
  if (error || status !== 0) throw new Error(stderr || error.message);
  return stdout.split("\n").slice(0, -1);
}
