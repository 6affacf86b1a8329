// The workbench: keys, the marked dimension, drafts, time at work, and what follows a submit.
// Without it the page is a plain form that works.

import { Autosave, forgetOldDrafts } from "./autosave.js";
import { markDifferences, unmark } from "./differences.js";
import { closeHelp, isPlainKey, isTyping } from "./keys.js";
import { announce, isAway } from "./page.js";
import { beginTogether, toggleTogether } from "./together.js";

const IDLE_MS = 60_000;
const SIGN_OF_LIFE_MS = 240_000;
const TICK_MS = 1000;
const RETRY_MS = 3000;
const GUIDE = "plumbline-guide";

let bench = null;
// Spans are measured by a clock that nobody sets.
const now = () => performance.now();

let lastSign = now();
let isPointing = false;
let wasSubmitted = false;

const slot = () => document.getElementById("slot");

class Bench {
  constructor(root) {
    this.root = root;
    this.form = root.querySelector("[data-rating]");
    this.parts = [...root.querySelectorAll("[data-part]")];
    this.status = root.querySelector("[data-status]");
    this.seconds = this.form.elements.active_seconds;
    this.active = Number(this.seconds.value) || 0;
    this.wantsSubmit = false;
    this.lastSent = now();
    this.save = root.dataset.draftUrl ? this.autosave() : null;
    this.takeUpKept();
    this.mark(this.parts.find((part) => !chosenIn(part)) ?? null);
    this.count();
  }

  autosave() {
    return new Autosave({
      key: this.root.dataset.keep,
      url: this.root.dataset.draftUrl,
      collect: () => this.collect(),
      show: (kind, at) => this.show(kind, at),
    });
  }

  collect() {
    this.seconds.value = this.active.toFixed(1);
    return new FormData(this.form);
  }

  // What this device kept is newer than the server's draft: it goes when the server has it.
  takeUpKept() {
    const fields = this.save?.kept();
    if (!fields) return;
    for (const [name, value] of Object.entries(fields)) {
      const field = this.form.elements[name];
      if (!field) continue;
      if (name === "active_seconds") this.active = Math.max(this.active, Number(value) || 0);
      else field.value = value;
    }
    const why = this.root.querySelector(".verdict__why");
    if (why && fields.rationale) why.open = true;
    for (const part of this.parts) this.tellChosen(part);
    this.save.changed();
  }

  show(kind, at) {
    if (kind === "saved") this.lastSent = now();
    const time = at?.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
    const words = {
      saved: `Saved ${time}`,
      submitted: `Submitted ${time} · Back changes it`,
      offline: "Offline: kept on this device",
      unkept: "Offline: not kept, leave this page open",
      refused: "Not saved: sign in again, or reload the page",
    };
    if (this.status.textContent === words[kind]) return;
    this.status.dataset.kind = kind;
    this.status.textContent = words[kind];
  }

  mark(part, { focus = false } = {}) {
    for (const one of this.parts) one.classList.toggle("rail__part--now", one === part);
    this.now = part;
    if (!part || !focus) return;
    part.focus({ preventScroll: true });
    part.scrollIntoView({ block: "nearest" });
  }

  move(step) {
    const place = this.parts.indexOf(this.now);
    const next = this.parts[place < 0 ? 0 : place + step];
    if (next) this.mark(next, { focus: true });
  }

  tellChosen(part) {
    const chosen = chosenIn(part);
    const words = part.querySelector("[data-chosen]");
    if (words && chosen) {
      const { anchor } = chosen.dataset;
      words.textContent = anchor ? `${chosen.value} · ${anchor}` : "";
    }
  }

  count() {
    const count = this.root.querySelector("[data-count]");
    const done = this.parts.filter(chosenIn).length;
    if (count) count.textContent = `${done} of ${this.parts.length} chosen`;
  }

  choose(key) {
    const part = this.now ?? this.parts[0];
    const wanted = [...part.querySelectorAll("input[type=radio]")].find((input) =>
      input.dataset.keys.split(" ").includes(key),
    );
    if (!wanted || wanted.matches(":disabled")) return false;
    wanted.checked = true;
    this.changed(part);
    this.goOn(part);
    // Enter submits from here; on a link in the bar it would follow the link.
    if (!this.form.contains(document.activeElement)) wanted.focus({ preventScroll: true });
    return true;
  }

  // To the next dimension without a point; what lies above it keeps its place.
  goOn(part) {
    const following = this.parts.slice(this.parts.indexOf(part) + 1).find((one) => !chosenIn(one));
    const next = following ?? this.parts.find((one) => !chosenIn(one));
    if (next) this.mark(next, { focus: true });
  }

  changed(part) {
    // Who goes on writing after a submit that failed says when it is ready.
    this.wantsSubmit = false;
    if (part) this.tellChosen(part);
    this.count();
    this.save?.changed();
  }

  submit() {
    if (!this.form.hasAttribute("action")) return; // nothing can be sent any more
    const missing = this.parts.find((part) => !chosenIn(part));
    if (missing) {
      this.mark(missing, { focus: true });
      tell(`${missing.querySelector("legend b").textContent} is not rated yet.`);
      return;
    }
    this.form.requestSubmit();
  }

  // The network is gone: keep everything, and send the answer itself once it is back.
  failed() {
    const isKept = this.save?.keep() ?? false;
    this.wantsSubmit = true;
    this.show(isKept ? "offline" : "unkept");
    setTimeout(() => this.again(), RETRY_MS);
  }

  again() {
    if (this.wantsSubmit && this.root.isConnected) this.form.requestSubmit();
  }

  // What would be lost with this page.
  isAtRisk() {
    if (!this.save) return this.wantsSubmit;
    return !this.save.isOver && this.save.isUnsent && !this.save.isKept;
  }

  tick() {
    // Of two windows side by side one has the keys; the other one's time is not counted twice.
    const isHere = document.visibilityState === "visible" && document.hasFocus();
    const isAtWork = isHere && now() - lastSign < IDLE_MS;
    if (!isAtWork) return;
    this.active += TICK_MS / 1000;
    // Reading for long is work too: it renews the lease.
    if (this.save && now() - this.lastSent > SIGN_OF_LIFE_MS) {
      this.lastSent = now();
      this.save.send();
    }
  }

  leave({ isStored }) {
    if (isStored) this.save?.done();
    else this.save?.stop();
  }
}

function chosenIn(part) {
  return part.querySelector("input[type=radio]:checked");
}

function isChoosing(target) {
  const input = target.closest(".choices__choice")?.querySelector("input");
  return Boolean(input && !input.disabled);
}

function tell(sentence) {
  if (bench) bench.status.textContent = sentence;
}

function begin() {
  const root = slot();
  bench = root?.querySelector("[data-rating]") ? new Bench(root) : null;
  const guide = document.getElementById("guideline");
  if (guide) {
    const kept = remembered();
    guide.open = kept ? kept === "open" : !("later" in guide.dataset);
    delete guide.dataset.later;
  }
  for (const element of root.querySelectorAll("[data-scripted]")) element.hidden = false;
  beginTogether(root);
}

function remembered() {
  try {
    return sessionStorage.getItem(GUIDE);
  } catch {
    return null;
  }
}

function toggleGuide() {
  const guide = document.getElementById("guideline");
  if (!guide) return;
  guide.open = !guide.open;
  try {
    sessionStorage.setItem(GUIDE, guide.open ? "open" : "closed");
  } catch {
    // it then lasts for this item
  }
  if (guide.open) guide.scrollIntoView({ block: "nearest" });
  else if (bench) bench.mark(bench.now ?? bench.parts[0], { focus: true });
}

function toggleDifferences(button) {
  const [first, second] = slot().querySelectorAll("[data-response]");
  const isMarked = button.getAttribute("aria-pressed") === "true";
  if (isMarked) [first, second].forEach(unmark);
  else if (!markDifferences(first, second)) {
    announce("These responses are too long to be compared word by word.", "warning");
    return;
  }
  button.setAttribute("aria-pressed", String(!isMarked));
}

function openWhy(summary) {
  const fold = summary.parentElement;
  fold.open = true;
  fold.querySelector("textarea").focus();
}

// The browser would open it a moment later: an Enter before that must neither submit the answer
// nor close the sheet again.
function togglePassBy(sheet) {
  sheet.open = !sheet.open;
  sheet.querySelector(sheet.open ? "button" : "summary").focus();
}

function onKey(event) {
  lastSign = now();
  isPointing = false;
  if (!bench || !isPlainKey(event)) return;
  const { target, key } = event;
  if (isTyping(target)) {
    if (key === "Escape") target.blur();
    return;
  }
  if (target.closest?.(".menu[open], .keys")) return;
  const used = act(target, key);
  if (used) event.preventDefault();
}

function act(target, key) {
  if (key === "Enter") {
    if (target.closest("a, button, summary")) return false;
    bench.submit();
    return true;
  }
  const isRadio = target.matches?.("input[type=radio]");
  if (bench.choose(key)) return true;
  if (isRadio || !["ArrowUp", "ArrowDown"].includes(key) || bench.parts.length < 2) return false;
  bench.move(key === "ArrowDown" ? 1 : -1);
  return true;
}

document.documentElement.dataset.workbench = "on";
forgetOldDrafts();
begin();
// No item is left: what there is to read says so to a screen reader, as it does after a swap.
if (!bench) slot()?.querySelector("[data-focus]")?.focus();

document.addEventListener("keydown", onKey, true);
for (const name of ["pointerdown", "pointermove", "wheel", "scroll", "touchstart"]) {
  document.addEventListener(name, () => (lastSign = now()), { capture: true, passive: true });
}
setInterval(() => bench?.tick(), TICK_MS);

document.addEventListener("pointerdown", () => (isPointing = true), true);

document.addEventListener("input", (event) => {
  if (!bench?.form.contains(event.target)) return;
  const part = event.target.closest("[data-part]");
  bench.changed(part);
  if (part && isPointing) bench.goOn(part);
});
// A press moves the focus before the release: unfolding then would move the point from under it.
document.addEventListener("focusin", (event) => {
  const part = event.target.closest?.("[data-part]");
  if (bench && part && !isPointing) bench.mark(part);
});
document.addEventListener("click", (event) => {
  const guide = event.target.closest('a[href="#guideline"], .guide > summary');
  const differences = event.target.closest("[data-differences]");
  const together = event.target.closest("[data-together]");
  const why = event.target.closest("[data-why]");
  const passBy = event.target.closest(".pass-by > summary");
  const part = event.target.closest("[data-part]");
  if (guide || why) event.preventDefault();
  if (guide) toggleGuide();
  else if (differences) toggleDifferences(differences);
  else if (together) toggleTogether(together);
  else if (why) openWhy(why);
  else if (passBy) {
    event.preventDefault();
    togglePassBy(passBy.parentElement);
  }
  else if (part && bench && !isChoosing(event.target)) bench.mark(part);
});
document.addEventListener("htmx:configRequest", (event) => {
  if (!bench || !bench.root.contains(event.detail.elt)) return;
  event.detail.parameters.set("active_seconds", bench.active.toFixed(1));
  if (event.detail.elt === bench.form) bench.wantsSubmit = false;
});
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target?.id !== "slot") return;
  const isStored = event.detail.xhr.status < 300;
  wasSubmitted = isStored && event.detail.requestConfig.elt === bench?.form;
  bench?.leave({ isStored });
});
document.addEventListener("htmx:afterSwap", (event) => {
  // What changed in the guideline goes by itself: the item at hand stays as it is.
  if (event.detail.target?.id !== "slot") return;
  closeHelp();
  begin();
  if (wasSubmitted) bench?.show("submitted", new Date());
  window.scrollTo(0, 0);
  if (!slot()?.querySelector(".error-summary")) slot()?.querySelector("[data-focus]")?.focus();
});
for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
  document.addEventListener(name, (event) => {
    // Of a skip that was not heard nothing follows: least of all that the item is submitted.
    if (!bench || event.detail.elt !== bench.form) return;
    if (name !== "htmx:responseError" || isAway(event.detail.xhr)) bench.failed();
  });
}
window.addEventListener("online", () => {
  bench?.save?.later(0);
  bench?.again();
});
window.addEventListener("pagehide", () => {
  if (bench?.save?.isUnsent) bench.save.send({ isLast: true });
});
window.addEventListener("beforeunload", (event) => {
  if (bench?.isAtRisk()) event.preventDefault();
});
