// Our own text tests as the `$regex` that means the same.

const PATTERNS = {
  $contains: (text) => text,
  $startsWith: (text) => `^${text}`,
  $endsWith: (text) => `${text}$`,
};

export function translate(value) {
  if (Array.isArray(value)) return value.map(translate);
  if (value === null || typeof value !== "object") return value;
  const members = Object.entries(value).map(([key, operand]) =>
    key in PATTERNS && typeof operand === "string"
      ? ["$regex", PATTERNS[key](operand.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"))]
      : [key, translate(operand)],
  );
  return Object.fromEntries(members);
}
