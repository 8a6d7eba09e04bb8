/** What tests/test_page.py computed in Python: files of a folder that it names. */

import { readFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = process.env.CHARRNN_PAGE_CASES;

/** Options of a test that needs them. */
export const NEEDED = FOLDER ? {} : { skip: "run by `pytest tests/test_page.py`" };

/** @returns {ArrayBuffer} a file's bytes */
export function bytes(name) {
  const read = readFileSync(join(FOLDER, name));
  return read.buffer.slice(read.byteOffset, read.byteOffset + read.byteLength);
}

/** @returns {any} a JSON file */
export function json(name) {
  return JSON.parse(new TextDecoder().decode(bytes(name)));
}
