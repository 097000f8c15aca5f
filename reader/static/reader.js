// Keys and instant results. Every page works without this.
"use strict";

const box = () => document.getElementById("q");
const items = () => [...document.querySelectorAll("[data-item]")];
let chosen = -1;

function choose(step) {
  const list = items();
  if (!list.length) return;
  list[chosen]?.classList.remove("current");
  chosen = Math.min(Math.max(chosen + step, 0), list.length - 1);
  const item = list[chosen];
  item.classList.add("current");
  (item.querySelector("h2 a, h3 a, h4 a") ?? item.querySelector("a"))?.focus({ preventScroll: true });
  item.scrollIntoView({ block: "nearest" });
}

function typing(target) {
  return target.closest?.("input, textarea, select, [contenteditable]") !== null;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (typing(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const deeds = {
    "/": () => { box()?.focus(); box()?.select(); },
    "?": () => document.querySelector('footer a[href$="help"], footer a[href*="help."]')?.click(),
    j: () => choose(1),
    k: () => choose(-1),
  };
  if (deeds[event.key]) {
    event.preventDefault();
    deeds[event.key]();
  }
});

// While a query is typed the results are fetched as the page that they would be, and put in the place of the old ones.
const instant = document.querySelector("input[data-instant]");
if (instant) {
  let wait = 0;
  let last = instant.value.trim();
  let asked = new AbortController();

  const show = async () => {
    const query = instant.value.trim();
    if (query === last) return;
    last = query;
    asked.abort();
    asked = new AbortController();
    const address = new URL(location.href);
    address.search = new URLSearchParams(new FormData(instant.form)).toString();
    try {
      const answer = await fetch(address, { signal: asked.signal, headers: { Accept: "text/html" } });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const results = page.getElementById("results");
      if (!results) return;
      document.getElementById("results").replaceWith(document.adoptNode(results));
      document.title = page.title;
      history.replaceState(null, "", address);
      chosen = -1;
    } catch (error) {
      if (error.name !== "AbortError") instant.form.requestSubmit();
    }
  };
  instant.addEventListener("input", () => {
    clearTimeout(wait);
    wait = setTimeout(show, 180);
  });
}
