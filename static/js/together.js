// Two long texts side by side: where one is scrolled to, the other follows, if that is wanted.

const KEPT = "plumbline-together";

let leader = null;
let freed = 0;

const panes = () => [...document.querySelectorAll("[data-pane]")];

function isWanted() {
  try {
    return sessionStorage.getItem(KEPT) === "yes";
  } catch {
    return false;
  }
}

function want(isOn) {
  try {
    sessionStorage.setItem(KEPT, isOn ? "yes" : "no");
  } catch {
    // it then lasts for this item
  }
}

function follow(pane) {
  const room = pane.scrollHeight - pane.clientHeight;
  const share = room > 0 ? pane.scrollTop / room : 0;
  for (const other of panes()) {
    if (other !== pane) other.scrollTop = share * (other.scrollHeight - other.clientHeight);
  }
}

// The one that a person scrolls leads until both have come to rest.
function onScroll(event) {
  lead(event.currentTarget);
}

function lead(pane) {
  leader ??= pane;
  clearTimeout(freed);
  freed = setTimeout(() => (leader = null), 120);
  if (leader === pane) follow(pane);
}

function set(button, isOn) {
  button.setAttribute("aria-pressed", String(isOn));
  for (const pane of panes()) {
    if (isOn) pane.addEventListener("scroll", onScroll, { passive: true });
    else pane.removeEventListener("scroll", onScroll);
  }
}

export function beginTogether(root) {
  const button = root.querySelector("[data-together]");
  if (!button) return;
  const areLong = panes().some((pane) => pane.scrollHeight > pane.clientHeight + 1);
  button.hidden = !areLong;
  set(button, isWanted());
}

export function toggleTogether(button) {
  const isOn = button.getAttribute("aria-pressed") !== "true";
  want(isOn);
  set(button, isOn);
  const [first] = panes();
  if (isOn && first) lead(first);
}
