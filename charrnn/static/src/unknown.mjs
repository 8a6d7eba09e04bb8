/** Characters of a prompt that a model never saw: they cannot be read, and are skipped. */

import { Vocab } from "./vocab.mjs";

/** One line about the unknown characters of a text, or "" where there is none. */
export function unknownIn(text, vocab) {
  const { unknown } = new Vocab(vocab).encode(text);
  if (unknown.length === 0) return "";
  const symbols = [...new Set(unknown.map(({ symbol }) => symbol))];
  const named = symbols.slice(0, 10).join(" ") + (symbols.length > 10 ? " …" : "");
  return `Skipped, since its training text has no such character: ${named}`;
}
