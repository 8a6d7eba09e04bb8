/** Fetching a model's file, with progress, and keeping it in the browser. */

import { ModelError } from "./errors.mjs";

const STORE = "charrnn-models";
const LIMIT = 2 ** 28;

/**
 * What `read` makes of the file at an address: from the browser's own store, or fetched. A copy in
 * the store that cannot be read is fetched anew; what was read is kept for the next visit.
 * @param {string} url
 * @param {(buffer: ArrayBuffer) => Promise<T>} read throws ModelError where the file is not as it
 *   should be
 * @param {(received: number, total: number) => void} report total is 0 where the host doesn't say
 * @returns {Promise<T>} ModelError where it cannot be had, or not be read
 * @template T
 */
export async function download(url, read, report) {
  const kept = await (await openStore())?.match(url);
  if (kept) {
    try {
      return await read(await received(kept, report));
    } catch {
      // A spoiled copy: the host may have a sound one.
    }
  }
  const buffer = await received(await fetched(url), report);
  const made = await read(buffer);
  keep(url, buffer); // nobody waits for it
  return made;
}

/** The bytes of a response as they come. @returns {Promise<ArrayBuffer>} */
async function received(response, report) {
  const total = Number(response.headers.get("content-length")) || 0;
  const pieces = [];
  let size = 0;
  try {
    for await (const piece of piecesOf(response.body)) {
      pieces.push(piece);
      size += piece.length;
      if (size > LIMIT) throw new ModelError(`The model's file is larger than ${LIMIT} bytes.`);
      report(size, total);
    }
  } catch (error) {
    if (error instanceof ModelError) throw error;
    throw new ModelError("The connection broke while the model was loading. Please try again.");
  }
  return joined(pieces, size);
}

/** Keep a file for the next visit, and drop earlier versions of it. Never fails. */
async function keep(url, buffer) {
  try {
    const store = await openStore();
    if (!store) return;
    const { pathname } = new URL(url);
    for (const request of await store.keys()) {
      if (new URL(request.url).pathname === pathname) await store.delete(request);
    }
    const headers = { "content-length": String(buffer.byteLength) };
    await store.put(url, new Response(buffer.slice(0), { headers }));
  } catch {
    // A full or forbidden store costs a second download, nothing else.
  }
}

/** The browser's store, or null where there is none (a page without https, a private window). */
async function openStore() {
  try {
    return await caches.open(STORE);
  } catch {
    return null;
  }
}

async function fetched(url) {
  let response;
  try {
    response = await fetch(url);
  } catch {
    throw new ModelError("The model could not be fetched: there is no connection to its host.");
  }
  if (response.ok) return response;
  throw new ModelError(`The model could not be fetched: its host answered ${response.status}.`);
}

async function* piecesOf(stream) {
  const reader = stream.getReader(); // Safari has no asynchronous iterator of a stream
  for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
}

function joined(pieces, length) {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes.buffer;
}
