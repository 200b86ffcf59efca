// The cases of tests/cases that other implementations can be asked: operators that they have, and values that JavaScript holds.

import { readdirSync, readFileSync } from "node:fs";
import { parse } from "smol-toml";
import { translate } from "./translate.mjs";

const FOLDER = new URL("../cases/", import.meta.url);

const LOGICAL = ["$and", "$or", "$nor"];
/** Our own tests of text are translated. */
const TESTS =
  "$eq $ne $gt $gte $lt $lte $in $nin $exists $size $type $mod $contains $startsWith $endsWith".split(" ");
/** What others do not read in JSON, or do not have: dates, Extended JSON, types of fields. */
const OURS = /"\$(date|now|today|period|startOf|endOf|oid|uuid|number[A-Z][a-z0-9]+|regularExpression|field|as|zone)"/;

/** Pairs `{document, condition, matches}`. */
export function pairs() {
  return files().flatMap(pairsOf);
}

/** What MongoDB refuses as well, as the cases say: `{condition, at}`. */
export function refusedAlike() {
  const refused = files().flatMap(({ declared, differs, refused = [] }) => (declared ? [] : refused.map((one) => ({ differs, ...one }))));
  return refused.flatMap(({ differs, condition, pattern, options, at }) => {
    const text = condition ?? JSON.stringify({ a: { $regex: pattern, $options: options } });
    return differs === false && isJson(text) && !OURS.test(text) ? [{ condition: JSON.parse(text), at: at ?? "/a/$regex" }] : [];
  });
}

function files() {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith(".toml") && name !== "audience.toml");
  return names.map((name) => parse(readFileSync(new URL(name, FOLDER), "utf8")));
}

function pairsOf(file) {
  if (file.declared) return [];
  const cases = [...(file.case ?? []), ...(file.pattern ?? []).map(caseOfPattern)];
  return cases.flatMap(({ condition, matches = [], others = [] }) => {
    const pair = (document, matches) => [document, condition].every(isHeld) && { document: JSON.parse(document), condition: JSON.parse(condition), matches };
    const found = [...matches.map((document) => pair(document, true)), ...others.map((document) => pair(document, false))];
    return found.filter((pair) => pair && isObject(pair.document) && !OURS.test(JSON.stringify(pair.condition)) && isCommon(pair.condition) && isTranslated(pair.condition));
  });
}

function caseOfPattern({ pattern, options, finds = [], misses = [] }) {
  const document = (text) => JSON.stringify({ a: text });
  return { condition: JSON.stringify({ a: { $regex: pattern, $options: options } }), matches: finds.map(document), others: misses.map(document) };
}

/** Whether JavaScript holds the text's numbers as they are. */
function isHeld(text) {
  const numbers = text.replace(/"(?:[^"\\]|\\.)*"/g, '""').match(/-?[0-9][0-9.eE+-]*/g) ?? [];
  return numbers.every((number) => {
    const digits = number.replace(/[eE].*|[^0-9]/g, "");
    return digits.length <= 15 && Number.isFinite(Number(number)) && (Number(number) !== 0 || /^0*$/.test(digits));
  });
}

function isJson(text) {
  try {
    return JSON.parse(text) !== undefined;
  } catch {
    return false;
  }
}

function isCommon(condition) {
  return Object.entries(condition).every(([key, value]) => {
    if (LOGICAL.includes(key)) return value.every(isCommon);
    if (key === "$not") return isCommon(value);
    if (key === "$comment") return true;
    if (key === "$expr") return true;
    return !key.startsWith("$") && !key.includes("\\") && (!isObject(value) || isCommonTest(value));
  });
}

function isCommonTest(test) {
  return Object.entries(test).every(([operator, operand]) => {
    if (operator === "$regex") return isPattern(operand, test.$options);
    if (operator === "$not") return isCommonTest(operand);
    if (operator === "$elemMatch") return isCommonElement(operand);
    if (operator === "$all") return operand.every((entry) => !isObject(entry) || Object.keys(entry)[0] !== "$elemMatch" || isCommonElement(entry.$elemMatch));
    if (operator === "$options") return isPattern("", operand);
    if (operator === "$comment") return true;
    return (TESTS.includes(operator) || !operator.startsWith("$")) && !JSON.stringify(operand).includes('"$');
  });
}

function isCommonElement(asked) {
  const first = Object.keys(asked)[0];
  return first?.startsWith("$") && !LOGICAL.includes(first) ? isCommonTest(asked) : isCommon(asked);
}

function isTranslated(condition) {
  try {
    return translate(condition) !== undefined;
  } catch {
    return false;
  }
}

/** Whether JavaScript reads it, strictly, and as we do: its classes are those of ASCII. */
function isPattern(pattern, options = "") {
  try {
    return new RegExp(pattern, `${options}u`) !== undefined && !/\\[bdsw]/i.test(pattern);
  } catch {
    return false;
  }
}

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
