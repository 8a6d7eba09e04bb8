/** The worker's side of the wire. KERNEL is the base64 of kernel.wasm. */

import { Engine } from "./engine.mjs";
import { KERNEL } from "./kernel.mjs";

const engine = new Engine(
  (message, moved = []) => self.postMessage(message, moved),
  Uint8Array.from(atob(KERNEL), (character) => character.charCodeAt(0)),
);
self.onmessage = ({ data }) => engine.handle(data);
