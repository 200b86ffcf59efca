// Between what react-querybuilder holds and a condition. Nothing is lost on the way: a condition that the form cannot show is refused,
// where react-querybuilder's own parseMongoDB leaves out what it does not know, which makes a segment larger when it is saved.

const COMPARISONS = { '=': '$eq', '!=': '$ne', '<': '$lt', '<=': '$lte', '>': '$gt', '>=': '$gte', in: '$in', notIn: '$nin' };
const TEXTS = { contains: '$contains', beginsWith: '$startsWith', endsWith: '$endsWith' };
const NEGATED = { doesNotContain: 'contains', doesNotBeginWith: 'beginsWith', doesNotEndWith: 'endsWith', notBetween: 'between' };
const invert = (map) => Object.fromEntries(Object.entries(map).map(([key, value]) => [value, key]));
const [OF_COMPARISON, OF_TEXT, OF_NEGATED] = [COMPARISONS, TEXTS, NEGATED].map(invert);

export const LISTS = ['in', 'notIn'];
export const RANGES = ['between', 'notBetween'];

/**
 * The condition of a query; the rules that still lack a value, which are not in it; and where in it each rule is, as a JSON pointer, so
 * that a mistake that the database tells of can be shown there. An empty group says nothing and is left out.
 */
export function toCondition(query, fields) {
  const incomplete = [];
  const places = [];
  const types = new Map(fields.map((field) => [field.name, field.inputType]));

  function group({ combinator, not, rules }, pointer) {
    const key = combinator === 'or' ? '$or' : '$and';
    const inside = `${pointer}${not ? '/$nor/0' : ''}/${key}`;
    const parts = [];
    for (const part of rules) {
      const read = part.rules ? group : rule;
      const condition = read(part, `${inside}/${parts.length}`);
      if (condition) parts.push(condition);
    }
    if (!parts.length) return null;
    return not ? { $nor: [{ [key]: parts }] } : { [key]: parts };
  }

  function rule({ id, field, operator, value }, pointer) {
    const test = testOf(operator, value, types.get(field));
    if (test === undefined) return void incomplete.push(id);
    places.push({ id, pointer: `${pointer}/${field.replaceAll('~', '~0').replaceAll('/', '~1')}` });
    return { [field]: test };
  }

  return { condition: group(query, '') ?? {}, incomplete, places };
}

/** What a rule asks of its field; undefined where a value is missing. */
function testOf(operator, value, inputType) {
  const read = (given) => {
    if (typeof given !== 'string') return given;
    if (given.trim() === '') return undefined;
    if (inputType !== 'number') return given;
    return Number.isFinite(Number(given)) ? Number(given) : undefined;
  };
  const list = () => (Array.isArray(value) ? value : String(value ?? '').split(',').map((text) => text.trim())).map(read);
  if (operator === 'null') return null;
  if (operator === 'notNull') return { $ne: null };
  if (NEGATED[operator]) {
    const test = testOf(NEGATED[operator], value, inputType);
    return test && { $not: test };
  }
  if (operator === 'between') {
    const [least, most] = list();
    return least === undefined || most === undefined ? undefined : { $gte: least, $lte: most };
  }
  const operand = LISTS.includes(operator) ? list() : read(value);
  if (operand === undefined || (Array.isArray(operand) && (!operand.length || operand.includes(undefined)))) return undefined;
  if (operator === '=') return operand;
  return { [COMPARISONS[operator] ?? TEXTS[operator]]: operand };
}

/** The rule that a JSON pointer leads to, or into. */
export function ruleAt(places, pointer) {
  return places.find((place) => pointer === place.pointer || pointer.startsWith(`${place.pointer}/`))?.id;
}

/** The query of a condition; raises where a form cannot show all of it. */
export function fromCondition(condition) {
  const parts = partsOf(condition);
  return parts.length === 1 && parts[0].rules ? parts[0] : { combinator: 'and', rules: parts };
}

function partsOf(condition) {
  return Object.entries(condition).map(([key, value]) => {
    if (key === '$and' || key === '$or') return { combinator: key.slice(1), rules: value.map(inside) };
    if (key === '$not') return negated(inside(value));
    if (key === '$nor') return value.length === 1 ? negated(inside(value[0])) : { combinator: 'or', not: true, rules: value.map(inside) };
    if (key.startsWith('$') && key !== '$topic' && key !== '$segment') throw unreadable(key);
    return rulesOf(key, value);
  }).flat();
}

/** A condition inside another: `{}` stands for everyone there, for which a form has nothing. */
function inside(condition) {
  if (!Object.keys(condition).length) throw unreadable('{}');
  const parts = partsOf(condition);
  return parts.length === 1 ? parts[0] : { combinator: 'and', rules: parts };
}

const negated = (part) => (part.rules && !part.not ? { ...part, not: true } : { combinator: 'and', not: true, rules: [part] });

function rulesOf(field, test) {
  if (!isObject(test)) return [{ field, ...ruleOf('$eq', test) }];
  if (!Object.keys(test).length) throw unreadable('{}');
  const rules = [];
  const { $gte, $lte, ...rest } = test;
  if ($gte !== undefined && $lte !== undefined) rules.push({ operator: 'between', value: [scalar($gte), scalar($lte)] });
  else for (const bound of ['$gte', '$lte']) if (test[bound] !== undefined) rules.push(ruleOf(bound, test[bound]));
  for (const [operator, operand] of Object.entries(rest)) rules.push(ruleOf(operator, operand));
  return rules.map((rule) => ({ field, ...rule }));
}

function ruleOf(operator, operand) {
  if (operand === null && operator === '$eq') return { operator: 'null', value: '' };
  if (operand === null && operator === '$ne') return { operator: 'notNull', value: '' };
  if (operator === '$not' && isObject(operand)) {
    const [inner, ...others] = rulesOf('', operand);
    if (inner && !others.length && OF_NEGATED[inner.operator]) return { operator: OF_NEGATED[inner.operator], value: inner.value };
  } else if (LISTS.includes(OF_COMPARISON[operator]) && Array.isArray(operand)) {
    return { operator: OF_COMPARISON[operator], value: operand.map(scalar) };
  } else if (OF_COMPARISON[operator] ?? OF_TEXT[operator]) {
    return { operator: OF_COMPARISON[operator] ?? OF_TEXT[operator], value: scalar(operand) };
  }
  throw unreadable(operator);
}

function scalar(value) {
  if (['string', 'number', 'boolean'].includes(typeof value)) return value;
  throw unreadable(JSON.stringify(value));
}

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
const unreadable = (what) => new Error(`A form has nothing for ${what}.`);
