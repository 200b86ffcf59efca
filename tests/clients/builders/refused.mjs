// Which filters are refused, and why. All but the last mean nothing. A form with the fields of builder_fields() emits none of them but
// those of an input that is still empty: its operators fit the types, and it has no fields as values.
import { TYPES } from './people.mjs';

/** The tests of a filter: [field, operator, operand], of which the field is null at the top. */
function* tests(filter, field = null) {
  for (const [key, value] of Object.entries(filter)) {
    if (['$and', '$or', '$nor'].includes(key)) for (const part of value) yield* tests(part);
    else if (key === '$not') yield* tests(value, field);
    else if (key.startsWith('$')) yield [field, key, value];
    else if (value !== null && typeof value === 'object' && Object.keys(value).some((inner) => inner.startsWith('$'))) yield* tests(value, key);
    else yield [key, '$eq', value];
  }
}

/** The operators of an expression, at any depth. */
const operators = (expression) => (expression === null || typeof expression !== 'object' ? []
  : Object.entries(expression).flatMap(([key, value]) => [...(key.startsWith('$') ? [key] : []), ...operators(value)]));

const some = (is) => (filter) => [...tests(filter)].some(([field, operator, operand]) => is(operator, operand, TYPES[field], field));
const isBound = (operator) => /^\$[gl]te?$/.test(operator);
const isText = (type) => type === undefined || type.startsWith('string') || type === 'json';

export const REFUSED = [
  { why: 'nothing is greater or less than null', is: some((operator, operand) => isBound(operator) && operand === null) },
  { why: 'booleans have no order', is: some((operator, operand, type) => isBound(operator) && type === 'boolean') },
  { why: 'a pattern never finds anything in a number, a boolean or a date', is: some((operator, operand, type) => operator === '$regex' && !isText(type)) },
  { why: 'null is no pattern', is: some((operator, operand) => operator === '$regex' && operand === null) },
  { why: 'the text that is not to be contained is empty', is: some((operator, operand) => operator === '$regex' && operand === '^((?!).)*$') },
  { why: 'an empty input is no number, date or boolean', is: some((operator, operand, type) => !isText(type) && [operand].flat().includes('')) },
  { why: '$where is a program', is: some((operator) => operator === '$where') },
  { why: 'MongoDB has no $xor either', is: some((operator) => operator === '$xor') },
  { why: 'comparisons of fields stand outside $expr, where MongoDB refuses them too', is: some((operator, operand, type, field) => field === null && /^\$([gl]te?|eq|ne)$/.test(operator)) },
  { why: 'an empty array of conditions is refused by MongoDB too', is: (filter) => JSON.stringify(filter) === '{"$and":[]}' },
  // This has a meaning that the language has no words for.
  { why: 'elements of an array are counted, which takes a property that says how many, or a relation', is: some((operator, operand) => operator === '$expr' && operators(operand).includes('$size')) },
];
