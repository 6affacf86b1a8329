// Declarative shortcuts. An element with data-key="g" is pressed by that key: buttons, links and
// summaries are clicked, fields are focused. Several keys are parted by spaces ("1 ArrowLeft").
// data-key-name gives the words for the help list; else the visible text is taken. "?" shows the list.
//
// A page that treats keys itself (the workbench) listens in the capture phase and calls
// preventDefault() on what it has used up: such events are left alone here.

const SHOWN = {
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  " ": "Space",
  Escape: "Esc",
};

const NOT_TEXT = ["button", "checkbox", "color", "file", "image", "radio", "range", "reset", "submit"];

export function isTyping(element) {
  if (!element) return false;
  if (element.isContentEditable) return true;
  if (element.tagName === "INPUT") return !NOT_TEXT.includes(element.type);
  return element.tagName === "TEXTAREA" || element.tagName === "SELECT";
}

export function isPlainKey(event) {
  return !(event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey);
}

function keysOf(element) {
  return element.dataset.key.split(/\s+/).filter(Boolean);
}

function isUsable(element) {
  return !element.disabled && element.checkVisibility();
}

function usableElements() {
  return [...document.querySelectorAll("[data-key]")].filter(isUsable);
}

function nameOf(element) {
  const named = element.dataset.keyName ?? element.getAttribute("aria-label");
  if (named) return named;
  if (element.labels?.length) return textOf(element.labels[0]);
  return textOf(element);
}

function textOf(element) {
  const copy = element.cloneNode(true);
  for (const part of copy.querySelectorAll("kbd, .visually-hidden")) part.remove();
  return copy.textContent.replace(/\s+/g, " ").trim();
}

function press(element) {
  if (isTyping(element)) element.focus();
  else element.click();
}

function entry(keys, name) {
  const term = document.createElement("dt");
  for (const key of keys) {
    const shown = document.createElement("kbd");
    shown.textContent = SHOWN[key] ?? key;
    term.append(shown, " ");
  }
  const words = document.createElement("dd");
  words.textContent = name;
  return [term, words];
}

function helpList() {
  const list = document.createElement("dl");
  for (const element of usableElements()) list.append(...entry(keysOf(element), nameOf(element)));
  for (const note of document.querySelectorAll("template[data-key-note]")) {
    list.append(...entry(note.dataset.keyNote.split(/\s+/), note.content.textContent.trim()));
  }
  list.append(...entry(["?"], "Show or hide this list"));
  return list;
}

let help = null;
let cameFrom = null;

export function closeHelp() {
  if (!help) return;
  help.remove();
  help = null;
  cameFrom?.focus();
}

export function openHelp() {
  cameFrom = document.activeElement;
  help = document.createElement("section");
  help.className = "keys";
  help.tabIndex = -1;
  help.setAttribute("aria-labelledby", "keys-title");
  const head = document.createElement("div");
  head.className = "head";
  const title = document.createElement("h2");
  title.id = "keys-title";
  title.textContent = "Keys on this page";
  const close = document.createElement("button");
  close.type = "button";
  close.className = "close";
  close.setAttribute("aria-label", "Close the list of keys");
  close.textContent = "×";
  close.addEventListener("click", closeHelp);
  head.append(title, close);
  help.append(head, helpList());
  document.body.append(help);
  help.focus();
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-keys-help]");
  if (!opener) return;
  if (help) closeHelp();
  else openHelp();
});

document.addEventListener("keydown", (event) => {
  if (!isPlainKey(event)) return;
  if (event.key === "Escape" && help) {
    closeHelp();
    return;
  }
  if (isTyping(document.activeElement)) return;
  if (event.key === "?") {
    event.preventDefault();
    if (help) closeHelp();
    else openHelp();
    return;
  }
  const element = usableElements().find((candidate) => keysOf(candidate).includes(event.key));
  if (!element) return;
  event.preventDefault();
  press(element);
});
