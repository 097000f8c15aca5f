// Search in an export: the index is loaded as scripts, file by file, because a page that is a file may fetch nothing.
"use strict";

const SHOWN = 30;
const LIGATURES = { "œ": "oe", "æ": "ae", "ß": "ss" };
const ARABIC = { "ى": "ي", "ة": "ه", "ٱ": "ا", "ـ": "" };
const loaded = new Map(); // by name of file: a promise of what is in it
const waiting = new Map();
let meta = null;
let ranked = [];
let shown = 0;
let turn = 0;

// Called by each file of the index.
globalThis.backfile = ([kind, key, value]) => {
  if (kind === "meta") {
    meta = value;
    begin();
  } else {
    waiting.get(kind === "words" ? key : `articles-${key}`)?.(value);
  }
};

function load(name) {
  if (!loaded.has(name)) {
    loaded.set(name, new Promise((resolve) => {
      waiting.set(name, resolve);
      const script = document.createElement("script");
      script.src = `search/${name}.js`;
      script.onerror = () => resolve(null);
      document.head.append(script);
    }));
  }
  return loaded.get(name);
}

function fold(text) {
  const plain = text.toLowerCase().replace(/[œæß]/g, (c) => LIGATURES[c]);
  return plain.normalize("NFKD").replace(/\p{M}/gu, "").replace(/[ىةٱـ]/g, (c) => ARABIC[c]).toLowerCase();
}

// What is asked for: words, each wanted or not, whole or only begun.
function parse(query) {
  const wishes = [];
  const last = query.trimEnd() === query;
  const parts = query.trim().split(/\s+/).filter(Boolean);
  parts.forEach((part, place) => {
    const not = part.startsWith("-") && part.length > 1;
    const words = fold(part).match(/[\p{L}\p{N}_]+/gu) ?? [];
    words.forEach((word, inner) => {
      const end = place === parts.length - 1 && inner === words.length - 1;
      wishes.push({ word: word.slice(0, 40), not, begun: part.endsWith("*") || (end && last && !not && word.length > 2) });
    });
  });
  return wishes;
}

function unpack(text, into, weight) {
  let place = 0;
  for (const part of text.split(",")) {
    place += parseInt(part, 36);
    const article = Math.floor(place / 3);
    const worth = [1, 4, 9][place % 3] * weight;
    into.set(article, Math.max(into.get(article) ?? 0, worth));
  }
}

async function find(wish) {
  const letters = [...wish.word].slice(0, 2).map((c) => c.codePointAt(0).toString(16).padStart(4, "0"));
  const name = ["words", ...letters].join("-");
  const exact = meta.shards.includes(name) ? [name] : [];
  const names = letters.length === 1 && wish.begun ? meta.shards.filter((one) => one.startsWith(name)) : exact;
  const found = new Map();
  for (const words of await Promise.all(names.map(load))) {
    for (const [word, places] of Object.entries(words ?? {})) {
      if (word === wish.word) unpack(places, found, 1);
      else if (wish.begun && word.startsWith(wish.word)) unpack(places, found, 0.5);
    }
  }
  const rare = Math.log(1 + meta.articles / (1 + found.size));
  for (const [article, worth] of found) found.set(article, worth * rare);
  return found;
}

async function search(query) {
  const mine = ++turn;
  const wishes = parse(query);
  const results = await Promise.all(wishes.map(find));
  if (mine !== turn) return;
  const wanted = results.filter((_, place) => !wishes[place].not).sort((one, other) => one.size - other.size);
  const unwanted = results.filter((_, place) => wishes[place].not);
  const scores = new Map();
  for (const [article, worth] of wanted[0] ?? []) {
    if (unwanted.some((one) => one.has(article))) continue;
    const all = wanted.slice(1).map((one) => one.get(article));
    if (all.every((one) => one !== undefined)) scores.set(article, all.reduce((sum, one) => sum + one, worth));
  }
  ranked = [...scores].sort(([a, x], [b, y]) => y - x || a - b).map(([article]) => article);
  shown = 0;
  document.getElementById("hits").replaceChildren();
  const number = ranked.length.toLocaleString("en");
  say(wanted.length ? `${number} article${ranked.length === 1 ? "" : "s"} found.` : "Write a word to look for.");
  await more(mine);
}

async function more(mine = turn) {
  const next = ranked.slice(shown, shown + SHOWN);
  shown += next.length;
  const chunks = await Promise.all(next.map((one) => load(`articles-${Math.floor(one / meta.chunk)}`)));
  if (mine !== turn) return;
  const cards = next.map((one, place) => card(chunks[place]?.[one % meta.chunk])).filter(Boolean);
  document.getElementById("hits").append(...cards);
  document.getElementById("more").hidden = shown >= ranked.length;
}

function card(facts) {
  if (!facts) return null;
  const [href, title, date, section, summary, direction] = facts;
  const make = (name, text, className = "") => {
    const node = document.createElement(name);
    node.textContent = text;
    if (className) node.className = className;
    return node;
  };
  const link = make("a", title);
  link.href = href;
  const heading = document.createElement("h2");
  heading.append(link);
  const words = document.createElement("div");
  words.className = "words";
  if (direction) words.dir = direction;
  words.append(heading, make("p", summary, "summary"), make("p", [section, date].filter(Boolean).join(" · "), "facts"));
  const article = document.createElement("article");
  article.className = "card hit";
  article.dataset.item = "";
  article.append(words);
  return article;
}

function say(text) {
  document.getElementById("status").textContent = text;
}

function begin() {
  const box = document.getElementById("q");
  box.value = new URLSearchParams(location.search).get("q") ?? "";
  let wait = 0;
  box.addEventListener("input", () => {
    clearTimeout(wait);
    wait = setTimeout(() => search(box.value), 120);
  });
  box.form.addEventListener("submit", (event) => {
    event.preventDefault();
    search(box.value);
  });
  document.getElementById("more").addEventListener("click", () => more());
  if (box.value.trim()) search(box.value);
  else box.focus();
}
