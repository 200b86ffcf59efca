// The contacts that every filter is put to, and what their properties are declared as.

export const TYPES = {
  name: 'string', age: 'number', spent: 'number', budget: 'number', vip: 'boolean', born: 'date', seen: 'timestamp',
  tags: 'string[]', scores: 'number[]', orders: 'json', 'address.city': 'string',
};

const NAMES = ['Ada', 'ada', 'Adam', 'Bo', 'Chen', 'a.b', 'a+b', '50% off', 'Zoë', ''];
const TAGS = [[], ['vip'], ['new'], ['vip', 'new'], ['not-vip'], ['vip', 'old', 'new']];

// Every third value of each property is missing or null, in turns that do not fall together.
const leave = (n, period, value) => (n % period === 1 ? undefined : n % period === 2 ? null : value);

/** Documents as they are stored, with an id. */
export const PEOPLE = Array.from({ length: 60 }, (_, n) => JSON.parse(JSON.stringify({
  id: n,
  name: leave(n, 11, NAMES[n % NAMES.length]),
  age: leave(n, 7, [0, 5, 18, 30, 42.5, 65][n % 6]),
  spent: leave(n, 5, n % 4 * 10),
  budget: leave(n, 9, n % 3 * 10),
  vip: leave(n, 4, n % 8 > 3),
  born: leave(n, 6, `19${60 + n % 40}-0${1 + n % 9}-1${n % 10}`),
  seen: leave(n, 8, `2024-0${1 + n % 9}-1${n % 10}T1${n % 10}:30:00Z`),
  tags: leave(n, 10, TAGS[n % TAGS.length]),
  scores: leave(n, 12, [n % 3, n % 5, n % 7].slice(0, n % 4)),
  orders: leave(n, 5, [{ total: n % 6 * 10, paid: n % 2 === 0 }, { total: n % 4 * 25, paid: n % 3 === 0 }].slice(0, n % 3)),
  address: leave(n, 13, { city: leave(n, 3, ['Rome', 'Oslo', 'Bonn'][n % 3]) }),
})));
