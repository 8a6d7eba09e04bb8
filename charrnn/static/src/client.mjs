/** The page's side of the wire: a model in a worker of its own. */

import { ModelError } from "./errors.mjs";
import { WORKER } from "./source.mjs";

/** The worker's program, laid ready while the page loads: a press of the button need not wait. */
const PROGRAM = URL.createObjectURL(new Blob([WORKER], { type: "text/javascript" }));

export class LiveModel {
  constructor() {
    this.worker = new Worker(PROGRAM);
    this.worker.onmessage = ({ data }) => this.#hear(data);
    this.worker.onerror = (event) => {
      event.preventDefault();
      const failed = { type: "failed", message: `The model's worker stopped: ${event.message}` };
      this.listeners.forEach((hear) => hear(failed));
    };
    this.listeners = new Map();
    this.turns = new Map();
  }

  /**
   * Load a model file.
   * @param {{url: string} | {bytes: ArrayBuffer}} source
   * @param {(received: number, total: number) => void} report
   * @returns {Promise<LiveModel>} itself, with config, vocab, provenance and bytes
   */
  load(source, report = () => {}) {
    return new Promise((resolve, reject) => {
      this.listeners.set(undefined, (message) => {
        if (message.type === "progress") report(message.received, message.total);
        else if (message.type === "failed") reject(new ModelError(message.message));
        else resolve(Object.assign(this, message));
      });
      this.worker.postMessage({ type: "load", ...source });
    });
  }

  /** Begin a text; `hear` gets {text, drawn, seconds, done} pieces or {type: "failed", message}. */
  write(job, prompt, settings, hear) {
    this.#ask({ type: "write", job, prompt, settings }, hear);
  }

  /** Go on with a text for `settings.length` symbols. */
  more(job, settings, hear) {
    this.#ask({ type: "more", job, settings }, hear);
  }

  stop(job) {
    this.worker.postMessage({ type: "stop", job });
  }

  /** What the network expects after each symbol of a text: rows as in reading.mjs. Never settles
   *  where another request under that name has come since. */
  read(job, text, settings, count, rows) {
    return new Promise((resolve, reject) => {
      this.#ask({ type: "read", job, text, settings, count, rows }, (message) => {
        if (message.type === "failed") reject(new ModelError(message.message));
        else resolve(message.rows);
      });
    });
  }

  /** A text with every unit's state after each symbol: as Tracing.take in tracing.mjs. Never
   *  settles where another request under that name has come since. */
  trace(job, text) {
    return new Promise((resolve, reject) => {
      this.#ask({ type: "trace", job, text }, (message) => {
        if (message.type === "failed") reject(new ModelError(message.message));
        else resolve(message);
      });
    });
  }

  /** Copy a part of a state: `asked` as in grafting.mjs; `hear` gets what Grafting.slice gives, or
   *  {type: "failed", message}. */
  graft(job, asked, hear) {
    this.#ask({ type: "graft", job, ...asked }, hear);
  }

  /** Give the memory back. */
  close() {
    this.worker.terminate();
  }

  /** A request under a name takes the place of the one before: that one's answers are dropped. */
  #ask(request, hear) {
    const turn = (this.turns.get(request.job) ?? 0) + 1;
    this.turns.set(request.job, turn);
    this.listeners.set(request.job, hear);
    this.worker.postMessage({ ...request, turn });
  }

  #hear(message) {
    if (message.turn === this.turns.get(message.job)) this.listeners.get(message.job)?.(message);
  }
}

const opened = new Map();

/** A model by its address, loaded once for all that show it; a failed one can be tried again. */
export function openModel(url, report) {
  if (!opened.has(url)) {
    const live = new LiveModel();
    const loading = { live, reports: new Set(), promise: null };
    const tell = (...progress) => loading.reports.forEach((hear) => hear(...progress));
    loading.promise = live.load({ url }, tell).catch((error) => {
      live.close();
      opened.delete(url);
      throw error;
    });
    opened.set(url, loading);
  }
  opened.get(url).reports.add(report);
  return opened.get(url).promise;
}

/** Whether a model is loaded or on its way. */
export function isOpen(url) {
  return opened.has(url);
}

/** An address of the page's own site: relative to its root where Sphinx names one. */
export function address(path) {
  const root = document.documentElement.dataset.content_root ?? "";
  return new URL(path, new URL(root, document.baseURI)).href;
}
