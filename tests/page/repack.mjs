/** Model files taken apart and put together again with a fault, and what must be said of them. */

import assert from "node:assert/strict";
import { parseModel } from "../../charrnn/static/src/format.mjs";
import { bytes } from "./cases.mjs";

/** @returns {{header: object, data: Uint8Array}} the JSON header and the tensors' bytes */
export function unpacked(buffer) {
  const start = 8 + Number(new DataView(buffer).getBigUint64(0, true));
  const text = new TextDecoder().decode(new Uint8Array(buffer, 8, start - 8));
  return { header: JSON.parse(text), data: new Uint8Array(buffer.slice(start)) };
}

/** @returns {ArrayBuffer} the file, its header so many bytes beyond a multiple of 8 */
export function packed(header, data, spaces = 0) {
  const text = typeof header === "string" ? header : JSON.stringify(header);
  const encoded = new TextEncoder().encode(text);
  const length = 8 * Math.ceil(encoded.length / 8) + spaces;
  const file = new Uint8Array(8 + length + data.length).fill(32);
  new DataView(file.buffer).setBigUint64(0, BigInt(length), true);
  file.set(encoded, 8);
  file.set(data, 8 + length);
  return file.buffer;
}

/** A valid file after `change(header, data)`, which may return another header, or its text. */
export function changed(change) {
  const { header, data } = unpacked(bytes("valid.safetensors"));
  return packed(change(header, data) ?? header, data);
}

/** The same for charrnn's own part of the header. */
export function changedInside(change) {
  return changed((header) => {
    const inside = JSON.parse(header.__metadata__.charrnn);
    const after = change(inside) ?? inside;
    header.__metadata__.charrnn = typeof after === "string" ? after : JSON.stringify(after);
  });
}

/** The file is refused with one line that says what is wrong, and with no other error. */
export function refused(buffer, pattern = /./, what = "") {
  const right = (error) => {
    assert.equal(error.name, "ModelError", `${what}: ${error.stack}`);
    assert.match(error.message, /^[^\n\r\u2028\u2029]{20,400}\.$/u, what);
    assert.match(error.message, pattern, what);
    return true;
  };
  assert.throws(() => parseModel(buffer), right, what);
}
