// Conditions in MongoDB's own words: our tests of text, and equality without regard to case, as the `$regex` that means the same,
// `$not` of a whole condition as `$nor`, `$exists` of a boolean, and no comments.

const PATTERNS = {
  $contains: (text) => text,
  $startsWith: (text) => `^${text}`,
  $endsWith: (text) => `${text}$`,
};

const EQUALITY = ["$eq", "$ne", "$in", "$nin"];
const ON_TEXT = ["$regex", ...Object.keys(PATTERNS)];

/** Throws if there are no such words. */
export function translate(condition) {
  const members = Object.entries(condition).flatMap(([key, asked]) => {
    if (key === "$comment") return [];
    if (key === "$expr") return [[key, asked]];
    if (key === "$not") return [["$nor", [translate(asked)]]];
    if (key.startsWith("$")) return [[key, asked.map(translate)]];
    return [[key, predicate(asked)]];
  });
  return object(members);
}

function predicate(asked) {
  if (!isObject(asked) || !Object.keys(asked).some((key) => key.startsWith("$"))) return asked;
  const isCaseless = "$options" in asked && !ON_TEXT.some((operator) => operator in asked);
  const members = Object.entries(asked).flatMap(([operator, operand]) => {
    if (operator === "$comment" || (isCaseless && operator === "$options")) return [];
    if (isCaseless && EQUALITY.includes(operator)) return caseless(operator, operand, asked.$options);
    if (operator === "$exists") return [[operator, Boolean(operand)]];
    if (operator in PATTERNS) return [["$regex", PATTERNS[operator](escaped(operand))]];
    if (operator === "$not") return [[operator, predicate(operand)]];
    if (operator === "$elemMatch") return [[operator, element(operand)]];
    if (operator === "$all") return [[operator, operand.map((entry) => (isObject(entry) && "$elemMatch" in entry ? { $elemMatch: element(entry.$elemMatch) } : entry))]];
    return [[operator, operand]];
  });
  return object(members);
}

/** A condition if any of its keys is a field or joins conditions, and otherwise a predicate. */
function element(asked) {
  const isCondition = Object.keys(asked).every((key) => key === "$comment") || Object.keys(asked).some((key) => !key.startsWith("$") || ["$and", "$or", "$nor"].includes(key));
  return isCondition ? translate(asked) : predicate(asked);
}

/** The texts among the operands by a pattern, the others as they are; what is not, is twice negated. */
function caseless(operator, operand, $options) {
  const operands = [operand].flat();
  const texts = operands.filter((one) => typeof one === "string");
  const others = operands.filter((one) => typeof one !== "string");
  const pattern = { $regex: `^(?:${texts.map(escaped).join("|")})$`, $options };
  if (["$eq", "$in"].includes(operator) && others.length === 0 && texts.length > 0) return Object.entries(pattern);
  const none = { ...(others.length > 0 ? { $nin: others } : {}), ...(texts.length > 0 ? { $not: pattern } : {}) };
  if (Object.keys(none).length === 0) return [[operator, []]];
  return ["$eq", "$in"].includes(operator) ? [["$not", none]] : Object.entries(none);
}

function object(members) {
  const made = Object.fromEntries(members);
  if (Object.keys(made).length < members.length) throw new Error("no object has a key twice");
  return made;
}

const escaped = (text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
