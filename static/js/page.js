// Small manners that every page shares: menus close, messages can be put away, a failed request
// says so in the live region, and the error summary gets the focus after a refused form.

const toasts = () => document.getElementById("toasts");

const UNREACHABLE = "The server cannot be reached. Check the connection, then try again.";

// What asks by itself asks again and again: a sentence that stands already is not said twice.
export function announce(sentence, kind = "error") {
  if (standing(sentence)) return;
  const toast = document.createElement("div");
  toast.className = `toast toast--${kind}`;
  const words = document.createElement("p");
  words.textContent = sentence;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "close";
  close.dataset.dismiss = "";
  close.setAttribute("aria-label", "Put this message away");
  close.textContent = "×";
  toast.append(words, close);
  toasts()?.append(toast);
}

// A server that starts again is away for a moment: what stands before it says so.
export function isAway(xhr) {
  return [502, 503, 504].includes(xhr.status);
}

function standing(sentence) {
  const words = [...(toasts()?.querySelectorAll("p") ?? [])];
  return words.find((one) => one.textContent === sentence)?.closest(".toast");
}

function sentenceIn(html) {
  const answer = new DOMParser().parseFromString(html, "text/html");
  return answer.querySelector("[data-sentence]")?.textContent.trim();
}

function focusErrors(within) {
  within.querySelector?.(".error-summary")?.focus();
}

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (menu !== except) menu.open = false;
  }
}

document.addEventListener("click", (event) => {
  event.target.closest("[data-dismiss]")?.closest(".toast, .notice")?.remove();
  closeMenus(event.target.closest("details.menu"));
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  if (isAway(xhr)) announce(UNREACHABLE);
  else announce(
    sentenceIn(xhr.responseText) ??
      "The server could not do this. Nothing was changed; try again, or reload the page.",
  );
});

for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, () => announce(UNREACHABLE));
}
// Whatever it answers, it can be reached.
document.addEventListener("htmx:beforeOnLoad", () => standing(UNREACHABLE)?.remove());

document.addEventListener("htmx:load", (event) => {
  focusErrors(event.detail.elt);
  watchFrames(event.detail.elt);
});

// A frame is a stop of the Tab key only while there is something to scroll in it.
const fitting = new ResizeObserver((entries) => {
  for (const { target } of entries) target.tabIndex = target.scrollWidth > target.clientWidth ? 0 : -1;
});

function watchFrames(within) {
  for (const frame of within.querySelectorAll?.(".table-frame, .reading table") ?? []) fitting.observe(frame);
}

// On a phone the five steps scroll sideways: the page's own one should be in sight.
function showCurrentStep() {
  const steps = document.querySelector(".steps");
  const current = steps?.querySelector("[aria-current]");
  if (current) steps.scrollLeft = current.parentElement.offsetLeft - steps.clientWidth / 4;
}

function begin() {
  for (const element of document.querySelectorAll("[data-scripted]")) element.hidden = false;
  focusErrors(document);
  watchFrames(document);
  showCurrentStep();
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
else begin();
