import assert from "node:assert/strict";
import test from "node:test";
import { checkSeal } from "../../charrnn/static/src/seal.mjs";
import { bytes, NEEDED } from "./cases.mjs";
import { packed, unpacked } from "./repack.mjs";

const BROKEN = { name: "ModelError", message: /^[^\n]{20,400}\.$/u };

test("a file with its seal, without one, and without cryptography", NEEDED, async () => {
  const buffer = bytes("valid.safetensors");
  const before = buffer.slice(0);
  await checkSeal(buffer);
  assert.deepEqual(buffer, before);
  const { header, data } = unpacked(buffer);
  assert.match(header.__metadata__["charrnn.sha256"], /^[0-9a-f]{64}$/);
  data[0] ^= 1;
  const changed = packed(header, data);
  await checkSeal(changed, null);
  await assert.rejects(checkSeal(changed), { ...BROKEN, message: /seal does not fit/ });
  delete header.__metadata__["charrnn.sha256"];
  await checkSeal(packed(header, data));
});

test("any bit that is turned", NEEDED, async () => {
  const buffer = bytes("valid.safetensors");
  const step = Math.ceil(buffer.byteLength / 400);
  for (let at = 0; at < buffer.byteLength; at += step) {
    const changed = new Uint8Array(buffer.slice(0));
    changed[at] ^= 1 << (at % 8);
    await assert.rejects(checkSeal(changed.buffer), BROKEN, `byte ${at}`);
  }
});

test("a seal that stands elsewhere does not go unread", NEEDED, async () => {
  const { header, data } = unpacked(bytes("valid.safetensors"));
  const spaced = JSON.stringify(header).replace('"charrnn.sha256":', '"charrnn.sha256" :');
  await assert.rejects(checkSeal(packed(spaced, data)), { ...BROKEN, message: /must stand there/ });
  header.__metadata__.other = "1";
  await assert.rejects(checkSeal(packed(header, data)), { ...BROKEN, message: /entry "other"/ });
});
