// Keep the page fresh, and follow its own links in place. Everything here works without it too:
// the same addresses give the same pages, this only fetches them and changes what is different.

const PERIOD = 5000;
const SEARCH_PAUSE = 200;
const ANNOUNCE_EVERY = 15000;

const main = document.getElementById("content");
const announcer = document.getElementById("announcer");
const controls = document.getElementById("live");
const stateText = document.getElementById("live-state");
const button = document.getElementById("live-button");
const language = document.getElementById("language");
/** What is said here, in the language of the page. */
const words = controls.dataset;

// --- Times where the reader is ----------------------------------------------------------------

const two = (number) => String(number).padStart(2, "0");

/** Return a time in UTC, as the page itself writes it. */
const inUtc = (machine) => `${machine.slice(0, 10)} ${machine.slice(11, 19)} UTC`;

/** Return a time as the reader's clock shows it; empty where that is UTC, or no time at all. */
function locally(machine) {
  const time = new Date(machine);
  const ahead = -time.getTimezoneOffset();
  if (!ahead) return "";
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(":");
  const away = Math.abs(ahead);
  return `${day} ${clock} ${ahead < 0 ? "-" : "+"}${two(Math.floor(away / 60))}:${two(away % 60)}`;
}

function piece(name, text) {
  const span = document.createElement("span");
  span.className = name;
  span.textContent = text;
  return span;
}

/** Show the times of a page where the reader is, with UTC beside: logs and colleagues have that. */
function showLocally(page) {
  for (const time of page.querySelectorAll("time[datetime]")) {
    const local = locally(time.dateTime);
    if (!local) continue;
    const utc = inUtc(time.dateTime);
    if (time.classList.contains("clock")) {
      time.replaceChildren(piece("zone", local), " ", piece("zone utc", `(${utc})`));
    } else {
      time.title = `${local} (${utc})`;
    }
  }
}

// --- Changing only what is different ---------------------------------------------------------

const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.dataset.key ?? node.id : "");

function sameKind(one, other) {
  return one.nodeType === other.nodeType && one.nodeName === other.nodeName && keyOf(one) === keyOf(other);
}

function patchAttributes(node, wanted) {
  for (const { name } of [...node.attributes]) {
    // Whether a reader has folded the sources away is the reader's business.
    if (!wanted.hasAttribute(name) && name !== "open") node.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) {
    if (name !== "open" && node.getAttribute(name) !== value) node.setAttribute(name, value);
  }
}

function patch(node, wanted) {
  if (node.isEqualNode(wanted)) return;
  if (node.nodeType !== Node.ELEMENT_NODE) {
    node.nodeValue = wanted.nodeValue;
    return;
  }
  patchAttributes(node, wanted);
  // What somebody is typing or choosing is not taken out of their hands.
  if (node === document.activeElement && node.matches("input, select")) return;
  if (node instanceof HTMLInputElement && node.value !== wanted.value) node.value = wanted.value;
  patchChildren(node, wanted);
  if (node instanceof HTMLSelectElement && node.value !== wanted.value) node.value = wanted.value;
}

function patchChildren(parent, wanted) {
  const keyed = new Map();
  for (const child of parent.children) if (keyOf(child)) keyed.set(keyOf(child), child);
  const kept = new Set([...wanted.children].map(keyOf));
  // First away with what leaves, or all that follows would be moved in front of it.
  for (const [key, child] of keyed) if (!kept.has(key)) child.remove();
  let place = parent.firstChild;
  for (const next of [...wanted.childNodes]) {
    const key = keyOf(next);
    let match = key ? keyed.get(key) : place;
    if (match && !sameKind(match, next)) match = undefined;
    if (!match) {
      parent.insertBefore(document.importNode(next, true), place);
      continue;
    }
    if (match === place) place = place.nextSibling;
    else parent.insertBefore(match, place);
    const before = stateOf(match);
    patch(match, next);
    if (before && before !== stateOf(match)) flash(match);
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

const stateOf = (node) => (node.nodeName === "TR" ? node.querySelector(".state .pill")?.textContent : "");

function flash(row) {
  row.classList.add("changed");
  setTimeout(() => row.classList.remove("changed"), 2000);
}

// --- Fetching and showing --------------------------------------------------------------------

let running = null;
let failing = false;

/** Fetch an address and show it in place; say whether that worked. */
async function show(address) {
  running?.abort();
  const mine = (running = new AbortController());
  try {
    const answer = await fetch(address, { signal: mine.signal, headers: { accept: "text/html" } });
    const text = await answer.text();
    if (mine !== running) return false;
    const fresh = new DOMParser().parseFromString(text, "text/html");
    const content = fresh.getElementById("content");
    if (!content) throw new Error("not a page of ours");
    const focused = document.activeElement;
    document.title = fresh.title;
    // It leads to this view in the other language.
    language.setAttribute("href", fresh.getElementById("language").getAttribute("href"));
    showLocally(content);
    patch(main, content);
    keepFocus(focused);
    reached(true);
    return true;
  } catch (error) {
    if (error.name !== "AbortError") reached(false);
    return false;
  } finally {
    if (mine === running) running = null;
  }
}

/** Give the focus back to what had it: moving an element in the document takes it away. */
function keepFocus(focused) {
  if (!focused || focused === document.body || focused === document.activeElement) return;
  const target = focused.isConnected ? focused : document.getElementById("jobs-title") ?? main;
  target.focus({ preventScroll: true });
}

function reached(well) {
  if (well === !failing) return;
  failing = !well;
  showControls();
  announce(well ? words.again : words.silent);
}

// --- Telling a screen reader what matters, once ------------------------------------------------

let announced = main.dataset.announce;
let announcedAt = -ANNOUNCE_EVERY;

function announce(text) {
  announcer.textContent = text;
  announcedAt = performance.now();
}

function announceChanges() {
  const now = main.dataset.announce;
  if (now === announced || performance.now() - announcedAt < ANNOUNCE_EVERY) return;
  announced = now;
  announce(now);
}

// --- Refreshing --------------------------------------------------------------------------------

let paused = matchMedia("(prefers-reduced-motion: reduce)").matches;
try {
  paused = (sessionStorage.getItem("paused") ?? String(paused)) === "true";
} catch {
  // Storage can be forbidden; the choice then lasts as long as the page.
}

function showControls() {
  controls.hidden = false;
  const state = paused ? "paused" : failing ? "lost" : "live";
  controls.dataset.state = state;
  stateText.textContent = words[state];
  button.textContent = paused ? words.resume : words.pause;
  button.setAttribute("aria-label", paused ? words.resumeLabel : words.pauseLabel);
}

button.addEventListener("click", () => {
  paused = !paused;
  try {
    sessionStorage.setItem("paused", String(paused));
  } catch {
    // As above.
  }
  showControls();
  if (!paused) refresh();
});

function selecting() {
  const selection = getSelection();
  return selection && !selection.isCollapsed && main.contains(selection.anchorNode);
}

async function refresh() {
  // Nobody looks, somebody is about to copy, or a link is being followed: later.
  if (paused || document.hidden || running || selecting()) return;
  if (await show(location.href)) announceChanges();
}

setInterval(refresh, PERIOD);
document.addEventListener("visibilitychange", refresh);

// --- Searching, filtering, sorting and turning pages in place -----------------------------------

async function go(address, { replace = false, top = false } = {}) {
  if (replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  if (!(await show(location.href))) return;
  if (top) {
    const title = document.getElementById("jobs-title");
    title?.scrollIntoView();
    title?.focus({ preventScroll: true });
  }
  const found = document.getElementById("found");
  if (found) announce(found.textContent.trim());
  announced = main.dataset.announce;
}

main.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-soft]");
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(link.href, { top: "top" in link.dataset });
});

addEventListener("popstate", () => show(location.href));

/** Return the address of this view with what the form says now, on its first page. */
function asked(form) {
  const address = new URL(location.href);
  address.searchParams.delete("page");
  for (const field of form.querySelectorAll("input[type=search], select")) {
    address.searchParams.delete(field.name);
    if (field.value.trim()) address.searchParams.set(field.name, field.value.trim());
  }
  return address.href;
}

let pause;
main.addEventListener("input", (event) => {
  const form = event.target.closest("#filter");
  if (!form || event.isComposing) return;
  clearTimeout(pause);
  pause = setTimeout(() => go(asked(form), { replace: true }), SEARCH_PAUSE);
});
// Chinese is typed in compositions: only what they end in is searched for.
main.addEventListener("compositionend", (event) => event.target.dispatchEvent(new Event("input", { bubbles: true })));
main.addEventListener("submit", (event) => {
  if (event.target.id !== "filter") return;
  event.preventDefault();
  clearTimeout(pause);
  go(asked(event.target));
});

showLocally(main);
showControls();
