import assert from "node:assert/strict";
import test from "node:test";
import { parseModel } from "../../charrnn/static/src/format.mjs";
import { bytes, json, NEEDED } from "./cases.mjs";
import { packed, refused, unpacked } from "./repack.mjs";

test("all that Python's own tests refuse", NEEDED, () => {
  const names = json("broken.json");
  assert.ok(names.length > 40);
  for (const name of names) refused(bytes(name), /./, name);
});

test("half precision is not for pages", NEEDED, () => {
  refused(bytes("fp16.safetensors"), /fp16, and pages run int8 files only/);
});

test("a training is not a model", NEEDED, () => {
  refused(bytes("training.safetensors"), /"charrnn-training-1".*charrnn export/);
});

test("cut short anywhere, or too long", NEEDED, () => {
  const buffer = bytes("valid.safetensors");
  const { header, data } = unpacked(buffer);
  const start = buffer.byteLength - data.length;
  for (let n = 0; n <= start; n++) refused(buffer.slice(0, n), /is broken/, `${n} bytes`);
  for (const part of json("cuts.json")) {
    const n = start + Math.floor(part * data.length);
    refused(buffer.slice(0, n), /bytes of data; by its header/, `${n} bytes`);
  }
  refused(packed(header, Uint8Array.of(...data, 0)), /bytes of data; by its header/);
});

test("a header's length beyond the file", NEEDED, () => {
  for (const length of [0n, 1n, 10n ** 6n, 10n ** 8n + 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]) {
    const buffer = bytes("valid.safetensors");
    new DataView(buffer).setBigUint64(0, length, true);
    refused(buffer, /header/, `${length}`);
  }
});

test("whatever Python refuses of random changes", NEEDED, () => {
  const { files, accepted } = json("mutants.json");
  const counts = { refused: 0, accepted: 0 };
  files.forEach((base64, i) => {
    const buffer = Uint8Array.from(Buffer.from(base64, "base64")).buffer;
    counts[accepted[i] ? "accepted" : "refused"] += 1;
    if (!accepted[i]) refused(buffer, /./, base64);
    else onlyModelErrors(buffer);
  });
  assert.ok(counts.refused > 500 && counts.accepted > 100, JSON.stringify(counts));
});

/** What Python accepts may be refused: of provenance, say, a page needs more. */
function onlyModelErrors(buffer) {
  try {
    parseModel(buffer);
  } catch (error) {
    assert.equal(error.name, "ModelError", error.stack);
  }
}
