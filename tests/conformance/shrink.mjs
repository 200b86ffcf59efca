// Makes pairs smaller for as long as core and oracle differ on them.

import { evaluate } from "./core.mjs";

/**
 * The smallest of each pair that still differs. All shrink together, a step at a time, to ask the core rarely.
 * @param differs which of some pairs differ
 */
export function shrink(pairs, differs) {
  const smallest = [...pairs];
  let open = smallest.map((_, index) => index);
  while (open.length > 0) {
    const candidates = open.flatMap((index) => [...smaller(smallest[index])].map((pair) => ({ index, pair })));
    const answers = evaluate(candidates.map(({ pair }) => pair));
    const answered = candidates
      .map(({ index, pair }, position) => ({ index, pair: { ...pair, matches: answers[position] } }))
      .filter(({ pair }) => pair.matches !== null);
    const differing = differs(answered.map(({ pair }) => pair));
    const shrunk = new Set();
    answered.forEach(({ index, pair }, position) => {
      if (shrunk.has(index) || !differing[position]) return;
      smallest[index] = pair;
      shrunk.add(index);
    });
    open = [...shrunk];
  }
  return smallest;
}

function* smaller({ document, condition }) {
  for (const part of smallerValues(condition)) yield { document, condition: part };
  for (const part of smallerValues(document)) if (isObject(part)) yield { document: part, condition };
}

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

/** The value with one part of it left out, put in the place of what holds it, or made plainer. */
function* smallerValues(value) {
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      yield value.toSpliced(index, 1);
      for (const part of smallerValues(value[index])) yield value.with(index, part);
    }
    if (value.length === 1) yield value[0];
    return;
  }
  if (value !== null && typeof value === "object") {
    for (const [key, member] of Object.entries(value)) {
      const { [key]: _, ...rest } = value;
      yield rest;
      if (member !== null && typeof member === "object") {
        yield member;
        if (Array.isArray(member)) yield* member;
      }
      for (const part of smallerValues(member)) yield { ...value, [key]: part };
    }
    return;
  }
  if (value !== null && value !== 1 && value !== "") {
    if (value !== 2 && typeof value !== "boolean") yield 1;
  }
}
