// Evaluation by an oracle whose known differences from the language are taken out one by one.
//
// A repair answers one kind of question here, by the rule that the oracle does not follow, and leaves the rest to
// the oracle. A difference is explained by a repair when the oracle, so repaired, agrees with the core.

/**
 * @param ask the oracle: (document, condition) → boolean
 * @param repairs the names of the repairs to make
 */
export function repaired(ask, repairs) {
  return (document, condition) => holds(document, condition);

  function holds(document, condition) {
    return Object.entries(condition).every(([key, asked]) => {
      switch (key) {
        case "$and":
          return asked.every((part) => holds(document, part));
        case "$or":
          return asked.some((part) => holds(document, part));
        case "$nor":
          return !asked.some((part) => holds(document, part));
        case "$expr":
          return expression(document, asked);
        default:
          return predicate(asked, (operator, operand) => field(document, key, operator, operand));
      }
    });
  }

  function expression(document, asked) {
    if (typeof asked === "boolean") return asked;
    const [[operator, operand]] = Object.entries(asked);
    switch (operator) {
      case "$and":
        return operand.every((part) => expression(document, part));
      case "$or":
        return operand.some((part) => expression(document, part));
      case "$not":
        return !expression(document, Array.isArray(operand) ? operand[0] : operand);
      case "$ne":
        return !expression(document, { $eq: operand });
    }
    if (!repairs.has("$expr")) return ask(document, { $expr: asked });
    const sides = operand.map((side) => sideOf(document, side));
    const [kind, other] = sides.map(typeOf);
    if (kind !== other || kind === "null" || (operator !== "$eq" && !["number", "string"].includes(kind))) return false;
    const test = repairs.has("UTF-8") ? characterTest(operator, sides[1]) : undefined;
    if (test !== undefined) return test(sides[0]);
    return ask({}, { $expr: { [operator]: sides.map((side) => ({ $literal: side })) } });
  }

  function predicate(asked, test) {
    if (!isPredicate(asked)) return test("$eq", asked);
    return Object.entries(asked).every(([operator, operand]) => {
      switch (operator) {
        case "$not":
          return !predicate(operand, test);
        case "$ne":
          return !test("$eq", operand);
        case "$nin":
          return !predicate({ $in: operand }, test);
        case "$all":
          if (!repairs.has("$all")) return test(operator, operand);
          return operand.length > 0 && operand.every((entry) => test(...entryTest(entry)));
        case "$in":
          if (!["$in", "nested arrays", "objects"].some((repair) => repairs.has(repair))) return test(operator, operand);
          return operand.some((entry) => test("$eq", entry));
        case "$regex":
          return test(operator, { $regex: operand, $options: asked.$options ?? "" });
        case "$options":
          return true;
        default:
          return test(operator, operand);
      }
    });
  }

  function field(document, path, operator, operand) {
    if (operator === "$exists") {
      const exists = repairs.has("paths") ? yields(document, path).some(({ absent }) => !absent) : raw(document, path, operator, true);
      return exists === operand;
    }
    if (repairs.has("paths") && path.includes(".")) {
      return yields(document, path).some((found) => value(found, operator, operand));
    }
    return value({ value: document[path], absent: !Object.hasOwn(document, path), document, path }, operator, operand);
  }

  /** Whether a value satisfies a test: `exactly` it, or else any element of it too. */
  function value({ value, absent, exactly, document, path }, operator, operand) {
    const undotted = path === undefined || !path.includes(".");
    const test = repairs.has("UTF-8") && undotted ? characterTest(operator, operand) : undefined;
    if (test !== undefined) {
      const texts = !Array.isArray(value) ? [value] : exactly ? [] : value;
      return texts.some((text) => typeof text === "string" && test(text));
    }
    if (operator === "$type" && repairs.has("$type") && undotted) {
      const found = absent ? [] : exactly || !Array.isArray(value) ? [value] : [value, ...value];
      return found.some((value) => isOfType(value, operand));
    }
    if (operator === "$mod" && repairs.has("$mod") && undotted) {
      const numbers = (exactly || !Array.isArray(value) ? [value] : value).filter((found) => typeof found === "number");
      const [divisor, remainder] = operand.map(BigInt);
      return numbers.some((number) => integralPart(number) % divisor === remainder);
    }
    if (operator === "$size" && repairs.has("$size") && undotted) return Array.isArray(value) && value.length === operand;
    if (operator === "$eq" && isObject(operand) && repairs.has("objects") && undotted) {
      const found = absent ? [] : exactly || !Array.isArray(value) ? [value] : value;
      return found.some((value) => equals(value, operand));
    }
    if (Array.isArray(value) && undotted) {
      if (operator === "$elemMatch" && repairs.has("$elemMatch")) {
        return value.some((element) => elementHolds(element, operand));
      }
      if (!exactly && FANS_OUT.includes(operator) && repairs.has("nested arrays")) {
        return [value, ...value].some((found) =>
          Array.isArray(found)
            ? operator === "$eq" && equals(found, operand)
            : raw({ value: found }, "value", operator, operand),
        );
      }
      if (exactly && !["$elemMatch", "$size", "$all", "$type"].includes(operator)) {
        return operator === "$eq" && equals(value, operand);
      }
    }
    if (document !== undefined) return raw(document, path, operator, operand);
    return raw(absent ? {} : { value }, "value", operator, operand);
  }

  function raw(document, path, operator, operand) {
    const asked = operator === "$regex" ? operand : { [operator]: operand };
    return ask(document, { [path]: asked });
  }

  function elementHolds(element, asked) {
    const first = Object.keys(asked)[0];
    if (first?.startsWith("$") && !["$and", "$or", "$nor"].includes(first)) {
      return predicate(asked, (operator, operand) =>
        operator === "$exists" ? operand : value({ value: element, exactly: true }, operator, operand),
      );
    }
    return element !== null && typeof element === "object" && holds({ ...element }, asked);
  }
}

/** The test on strings as sequences of characters, rather than of the halves that JavaScript makes of some. */
function characterTest(operator, operand) {
  if (operator === "$regex") {
    const pattern = new RegExp(operand.$regex, `${operand.$options}u`);
    return (text) => pattern.test(text);
  }
  if (!(operator in ORDERED) || typeof operand !== "string") return undefined;
  return (text) => ORDERED[operator](Buffer.compare(Buffer.from(text), Buffer.from(operand)));
}

const FANS_OUT = ["$eq", "$gt", "$gte", "$lt", "$lte", "$regex", "$mod"];

const ORDERED = { $gt: (order) => order > 0, $gte: (order) => order >= 0, $lt: (order) => order < 0, $lte: (order) => order <= 0 };

/** What a path yields by rule 4: values, each taken `exactly` or with its elements, and absences. */
export function yields(document, path) {
  return [...walk(document, path.split("."))];
}

function* walk(value, keys) {
  if (keys.length === 0) {
    yield { value };
    return;
  }
  const [key, ...rest] = keys;
  if (Array.isArray(value)) {
    if (isIndex(key) && Number(key) < value.length) {
      const element = value[Number(key)];
      if (rest.length === 0) yield { value: element, exactly: true };
      else if (element !== null && typeof element === "object") yield* walk(element, rest);
    }
    for (const element of value) if (isObject(element)) yield* walk(element, keys);
  } else if (isObject(value) && Object.hasOwn(value, key)) {
    yield* walk(value[key], rest);
  } else {
    yield { absent: true };
  }
}

function isPredicate(asked) {
  return isObject(asked) && Object.keys(asked).some((key) => key.startsWith("$"));
}

function entryTest(entry) {
  return isObject(entry) && Object.keys(entry)[0] === "$elemMatch" ? ["$elemMatch", entry.$elemMatch] : ["$eq", entry];
}

const isOfType = (value, types) => [types].flat().some((type) => (TYPES[type] ?? type) === typeOf(value));

/** MongoDB's names and codes of the types of JSON, which has one kind of number. */
const TYPES = { 1: "number", 16: "number", 18: "number", 19: "number", int: "number", long: "number", double: "number", decimal: "number",
  2: "string", 3: "object", 4: "array", 8: "bool", 10: "null" };

function typeOf(value) {
  if (value === null || value === undefined) return "null";
  return Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
}

/** A side of a comparison: what a path finds that leads through objects alone, or a value. */
function sideOf(document, side) {
  if (isObject(side)) return side.$literal;
  if (typeof side !== "string" || !side.startsWith("$")) return side;
  return side.slice(1).split(".").reduce((found, key) => (isObject(found) && Object.hasOwn(found, key) ? found[key] : undefined), document);
}

/** Of the number as it is written. */
function integralPart(number) {
  const [, sign, whole, fraction = "", exponent = "0"] = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(number));
  const length = Math.max(0, whole.length + Number(exponent));
  return BigInt(`${sign}${(whole + fraction).padEnd(length, "0").slice(0, length) || "0"}`);
}

/** Equal as JSON, in any order of keys. */
export function equals(left, right) {
  if (Array.isArray(left)) {
    return Array.isArray(right) && left.length === right.length && left.every((item, index) => equals(item, right[index]));
  }
  if (!isObject(left) || !isObject(right)) return left === right;
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length && keys.every((key) => Object.hasOwn(right, key) && equals(left[key], right[key]));
}

const isIndex = (key) => /^(0|[1-9][0-9]*)$/.test(key);
const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
