/** Errors that a reader of a page may see: one line that says what is wrong and what to do. */

/** A model cannot be run: its file is broken or of another kind, or its scores are no numbers. */
export class ModelError extends Error {
  /** @param {string} message one line */
  constructor(message) {
    super(message);
    this.name = "ModelError";
  }
}

/**
 * @param {string} what the bad value and what is allowed, one line
 * @returns {ModelError} the same with what to do
 */
export function brokenFile(what) {
  return new ModelError(
    `The model's file is broken: ${what}. Load the page again, or write the file anew with ` +
      "charrnn export.",
  );
}

/**
 * A value for a message: short, on one line, whatever it holds.
 * @param {unknown} value
 * @returns {string}
 */
export function shown(value) {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value !== "string") return String(value);
  const start = value.length > 60 ? value.slice(0, 60) + "..." : value;
  return JSON.stringify(start).replace(/[\u2028\u2029]/g, " ");
}
