// Keys and small helps. Nothing here writes: a key follows a link or presses a button that the page holds anyway.
const on = () => document.body.dataset.keys === "on";
const typing = (target) => target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
const rows = () => [...document.querySelectorAll("[data-rows] tbody tr")];
let leader = false;

function say(words) {
  const live = document.getElementById("live");
  if (live) live.textContent = words;
}

function step(by) {
  const held = rows();
  if (!held.length) return;
  const at = held.findIndex((row) => row.classList.contains("at"));
  const next = held[Math.min(held.length - 1, Math.max(0, at + by))];
  for (const row of held) row.classList.toggle("at", row === next);
  (next.querySelector(".row-link, a") ?? next).focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

const current = () => document.querySelector("[data-rows] tbody tr.at") ?? rows()[0];

// Ticks the row that is pointed at and goes on to the next, so that x x ticks two.
function tick() {
  const row = current();
  const box = row?.querySelector("input[type=checkbox]");
  if (!box) return;
  box.click();
  row.classList.add("at");
  step(1);
}

const go = (address) => { if (address) window.location.assign(address); };

async function copy(address) {
  const words = await (await fetch(address)).text();
  await navigator.clipboard.writeText(words);
  say("Copied.");
}

const places = { q: "/queue", d: "/confirmed", o: "/operators", l: "/decisions", p: "/precision" };
const plain = {
  "/": () => document.getElementById("find")?.focus(),
  "?": () => document.getElementById("keys")?.showModal(),
  j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1),
  x: tick,
  n: () => go(document.querySelector("[data-next]")?.dataset.next),
  p: () => go(document.querySelector("[data-previous]")?.dataset.previous),
  y: () => { const from = document.querySelector("[data-copy]"); if (from) copy(from.dataset.copy); },
  g: () => { leader = true; setTimeout(() => { leader = false; }, 1500); },
};

function pressed(event) {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    const form = document.querySelector("form[data-record]");
    if (form) { event.preventDefault(); form.requestSubmit(); }
    return;
  }
  if (event.key === "Escape" && !document.querySelector("dialog[open]")) {
    const close = document.querySelector("[data-close]");
    if (close) close.click(); else document.activeElement?.blur?.();
    return;
  }
  if (!on() || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const form = document.querySelector("form[data-record]");
  if (typing(event.target)) {
    return;
  }
  const digit = form?.querySelector(`[data-digit="${CSS.escape(event.key)}"]`);
  if (digit) { event.preventDefault(); digit.click(); form.querySelector("textarea")?.focus(); return; }
  if (leader) { leader = false; if (places[event.key]) { event.preventDefault(); go(places[event.key]); } return; }
  if (event.key === "Enter") {
    if (event.target === document.body) current()?.querySelector(".row-link, a")?.click();
    return;
  }
  const link = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (link) { event.preventDefault(); link.click(); return; }
  if (plain[event.key]) { event.preventDefault(); plain[event.key](); }
}

document.addEventListener("keydown", pressed);
document.documentElement.dataset.ready = "keys";
document.addEventListener("click", (event) => {
  const begin = event.target.closest("[data-begin]");
  if (begin) {
    const field = begin.closest("form").querySelector("textarea");
    field.value = begin.dataset.begin + field.value;
    field.focus();
  }
  const from = event.target.closest("[data-copy]");
  if (from && navigator.clipboard) { event.preventDefault(); copy(from.dataset.copy); }
});
document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-rows] input[type=checkbox]")) return;
  const shown = document.querySelector("[data-ticked]");
  const n = document.querySelectorAll("[data-rows] input:checked").length;
  if (shown) shown.textContent = `${n} ticked:`;
});
const receipt = document.querySelector(".receipt");
if (receipt) say(receipt.textContent.trim());
if (window.matchMedia("(max-width: 1100px)").matches) document.querySelector("details.filters")?.removeAttribute("open");
