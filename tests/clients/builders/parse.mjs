// A stored condition as a query of react-querybuilder, with its own parseMongoDB.
import { formatQuery } from '@react-querybuilder/core/formatQuery';
import { parseMongoDB } from '@react-querybuilder/core/parseMongoDB';

/** The condition of a query. */
export const conditionOf = (query, fields) =>
  formatQuery(query, { format: 'mongodb_query', fields, parseNumbers: 'strict-limited' });

/** The query of a condition; null where the form would lose a part of it: then show it as text. */
export function queryOf(condition, fields) {
  const query = parseMongoDB(withoutNor(condition), { fields, listsAsArrays: true });
  return inOrder(conditionOf(query, fields)) === inOrder(condition) ? query : null;
}

// What formatQuery makes of "not", parseMongoDB does not know.
function withoutNor(condition) {
  if (Array.isArray(condition)) return condition.map(withoutNor);
  if (condition === null || typeof condition !== 'object') return condition;
  const { $nor, ...rest } = condition;
  const entries = Object.entries(rest).map(([key, value]) => [key, withoutNor(value)]);
  if ($nor) entries.push(['$not', $nor.length === 1 ? { $and: $nor.map(withoutNor) } : { $or: $nor.map(withoutNor) }]);
  return Object.fromEntries(entries);
}

// Keys come back from jsonb in another order.
const inOrder = (value) => JSON.stringify(value, (key, inner) => (inner === null || typeof inner !== 'object' || Array.isArray(inner)
  ? inner : Object.fromEntries(Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1)))));
