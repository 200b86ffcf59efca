// What MongoDB would find, as mingo has it.
import { Query } from 'mingo';
import { PEOPLE, TYPES } from './people.mjs';

const DAY = /^\d{4}-\d\d-\d\d$/;
const INSTANT = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?$/;
const isDated = (field) => ['date', 'timestamp'].includes(TYPES[field]);

/** A date as MongoDB stores it: what has no offset is of UTC, as segments read it. */
function asDate(value) {
  if (typeof value !== 'string') return value;
  if (DAY.test(value)) return new Date(`${value}T00:00:00Z`);
  if (!INSTANT.test(value)) return value;
  const text = value.replace(' ', 'T');
  return new Date(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`);
}

/** The filter with dates in the place of strings, under the fields that are dates. */
function dated(filter, field) {
  if (Array.isArray(filter)) return filter.map((part) => dated(part, field));
  if (filter === null || typeof filter !== 'object') return isDated(field) ? asDate(filter) : filter;
  return Object.fromEntries(Object.entries(filter).map(([key, value]) => [key, dated(value, key.startsWith('$') ? field : key)]));
}

const COMPARES = ['$eq', '$gt', '$gte', '$lt', '$lte'];

/** Inside $expr, where MongoDB orders what is missing below everything: here a comparison without one of its sides holds for nobody. */
function present(expression) {
  if (expression === null || typeof expression !== 'object') return expression;
  if (Array.isArray(expression)) return expression.map(present);
  const [[operator, operand]] = Object.entries(expression);
  if (operator === '$ne') return { $not: present({ $eq: operand }) };
  if (!COMPARES.includes(operator)) return { [operator]: present(operand) };
  const fields = operand.filter((side) => typeof side === 'string' && side.startsWith('$'));
  return { $and: [...fields.map((field) => ({ $ne: [{ $ifNull: [field, null] }, null] })), expression] };
}

function comparing(filter) {
  if (filter === null || typeof filter !== 'object' || filter instanceof Date) return filter;
  if (Array.isArray(filter)) return filter.map(comparing);
  return Object.fromEntries(Object.entries(filter).map(([key, value]) => [key, key === '$expr' ? present(value) : comparing(value)]));
}

const DOCUMENTS = PEOPLE.map((person) => ({ ...person, born: asDate(person.born), seen: asDate(person.seen) }));

/** The ids of the contacts that satisfy a filter. */
export function members(filter) {
  const query = new Query(comparing(dated(filter)));
  return DOCUMENTS.filter((person) => query.test(person)).map((person) => person.id);
}
