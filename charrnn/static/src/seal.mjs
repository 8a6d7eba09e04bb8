/** The seal of a model file: the SHA-256 of the whole, as charrnn/checkpoint.py writes it. */

import { brokenFile } from "./errors.mjs";
import { readContainer } from "./safetensors.mjs";

const KEY = new TextEncoder().encode('"charrnn.sha256":"');
const DIGITS = 64;

/**
 * @param {ArrayBuffer} buffer a file; one without a seal passes, and so does any where there is no
 *   cryptography: a browser has it on https and on this machine's own pages
 * @param {?SubtleCrypto} subtle
 * @throws {ModelError} where it is not as it was when it was sealed
 */
export async function checkSeal(buffer, subtle = globalThis.crypto?.subtle) {
  const { seal, start } = readContainer(buffer);
  if (seal === undefined) return;
  const unsealed = new Uint8Array(buffer.slice(0));
  const place = indexOf(unsealed.subarray(0, start), KEY) + KEY.length;
  if (place < KEY.length || textAt(unsealed, place) !== seal) {
    throw brokenFile('its seal must stand there as "charrnn.sha256":"...", with no space between');
  }
  if (!subtle) return;
  unsealed.fill("0".charCodeAt(0), place, place + DIGITS);
  const digest = new Uint8Array(await subtle.digest("SHA-256", unsealed));
  const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (seal !== found) throw brokenFile("it is not as it was written (its seal does not fit)");
}

function textAt(bytes, place) {
  return String.fromCharCode(...bytes.subarray(place, place + DIGITS));
}

/** Where `part` first stands in `bytes`; -1 where it does not. */
function indexOf(bytes, part) {
  let at = bytes.indexOf(part[0]);
  while (at >= 0 && !part.every((byte, i) => bytes[at + i] === byte)) {
    at = bytes.indexOf(part[0], at + 1);
  }
  return at;
}
