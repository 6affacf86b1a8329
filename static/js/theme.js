// The theme follows the device until somebody chooses; the choice stays in this browser.
// Loaded with `async blocking="render"`, so that the first paint already has the right colours.

const KEY = "plumbline-theme";
const CHOICES = ["light", "dark"];
const root = document.documentElement;

function remembered() {
  try {
    const choice = localStorage.getItem(KEY);
    return CHOICES.includes(choice) ? choice : "system";
  } catch {
    return "system"; // storage is switched off: the device decides
  }
}

function remember(choice) {
  try {
    if (choice === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, choice);
  } catch {
    // the choice then lasts as long as the page
  }
}

function show(choice) {
  if (choice === "system") delete root.dataset.theme;
  else root.dataset.theme = choice;
  for (const button of document.querySelectorAll("[data-theme-choice]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice));
  }
}

show(remembered());
document.addEventListener("DOMContentLoaded", () => show(remembered()));
window.addEventListener("storage", (event) => {
  if (event.key === KEY) show(remembered());
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-theme-choice]");
  if (!button) return;
  remember(button.dataset.themeChoice);
  show(button.dataset.themeChoice);
});
