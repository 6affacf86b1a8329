// Keeps unfinished work: on this device at once, on the server a moment later. What could not be
// sent stays on the device and is sent when the network is back, or when the page is opened again.

const PAUSE_MS = 800;
const RETRY_MS = 3000;
const PATIENCE_MS = 15_000;
const OLDEST_MS = 7 * 24 * 3600 * 1000;
const PREFIX = "plumbline-draft-";

function read(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null;
  }
}

function write(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
    return true;
  } catch {
    return false; // storage is full or switched off: the server still has it
  }
}

function drop(key) {
  try {
    localStorage.removeItem(key);
  } catch {
    // nothing was kept
  }
}

export function forgetOldDrafts() {
  try {
    for (const key of Object.keys(localStorage)) {
      if (!key.startsWith(PREFIX)) continue;
      const kept = read(key);
      if (!kept || Date.now() - kept.at > OLDEST_MS) localStorage.removeItem(key);
    }
  } catch {
    // storage is switched off
  }
}

export class Autosave {
  // key: where it is kept; url: where it is sent; collect(): FormData; show(kind, time) tells.
  constructor({ key, url, collect, show }) {
    Object.assign(this, { key, url, collect, show });
    this.timer = 0;
    this.number = 0;
    this.isOver = false;
    this.isUnsent = false;
    this.isKept = true;
    // Two windows may hold the same item: each drops only what it kept itself.
    this.name = `${Date.now()}-${Math.random()}`;
  }

  kept() {
    return read(this.key)?.fields ?? null;
  }

  changed() {
    this.keep();
    this.later(PAUSE_MS);
  }

  keep() {
    this.number += 1;
    this.isUnsent = true;
    const fields = fieldsOf(this.collect());
    this.isKept = write(this.key, { at: Date.now(), by: this.name, fields });
    return this.isKept;
  }

  later(wait) {
    clearTimeout(this.timer);
    if (!this.isOver) this.timer = setTimeout(() => this.send(), wait);
  }

  async send({ isLast = false } = {}) {
    clearTimeout(this.timer);
    if (this.isOver) return;
    const number = this.number;
    try {
      const answer = await fetch(this.url, {
        method: "POST",
        body: new URLSearchParams(this.collect()),
        headers: { Accept: "application/json" },
        redirect: "manual",
        keepalive: isLast,
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      if (answer.status >= 500) throw new Error(`status ${answer.status}`);
      if (this.isOver) return;
      if (answer.ok) this.show("saved", new Date());
      else this.show("refused");
      if (answer.ok && number === this.number) this.sent();
    } catch {
      if (this.isOver || isLast) return;
      this.show(this.isKept ? "offline" : "unkept");
      this.later(RETRY_MS);
    }
  }

  sent() {
    this.isUnsent = false;
    if (read(this.key)?.by === this.name) drop(this.key);
  }

  // The answer is stored, or the item is gone: nothing is kept any more.
  done() {
    this.stop();
    drop(this.key);
  }

  stop() {
    this.isOver = true;
    clearTimeout(this.timer);
  }
}

function fieldsOf(data) {
  const fields = Object.fromEntries(data);
  delete fields.csrfmiddlewaretoken;
  return fields;
}
