// Keeps an open page true to the calls: the server sends drawn and escaped fragments, this puts them in place.
// Without it the pages show the state of the moment they were loaded.
"use strict";

const fragment = (html) => {
  const template = document.createElement("template");
  template.innerHTML = html.trim();
  return template.content.firstElementChild;
};

const atEnd = (list) => list.scrollHeight - list.scrollTop - list.clientHeight < 60;

// Replaces the line of the same key, or adds it; a reader who scrolled up is left where they are.
const putLine = (list, html, most) => {
  const line = fragment(html);
  const follow = atEnd(list);
  const known = list.querySelector(`:scope > [data-key="${line.dataset.key}"]`);
  if (known) {
    if (known.querySelector("details[open]")) line.querySelector("details")?.setAttribute("open", "");
    known.replaceWith(line);
  } else {
    list.append(line);
    while (list.children.length > most) list.firstElementChild.remove();
  }
  if (follow) list.scrollTop = list.scrollHeight;
};

const clock = () => {
  for (const place of document.querySelectorAll("[data-since]")) {
    const seconds = Math.max(0, Math.round((Date.now() - Number(place.dataset.since)) / 1000));
    place.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }
};

const counted = () => {
  const cards = document.getElementById("cards");
  const running = cards.querySelectorAll(":scope > .card:not(.over)").length;
  document.getElementById("count").textContent = running;
  document.getElementById("empty").hidden = cards.children.length > 0;
};

const putCard = (html) => {
  const card = fragment(html);
  const known = document.getElementById(card.id);
  if (known) known.replaceWith(card);
  else document.getElementById("cards").prepend(card);
  const list = card.querySelector(".lines");
  list.scrollTop = list.scrollHeight;
};

const putRow = (html) => {
  // A row cannot be parsed outside a table body.
  const template = document.createElement("template");
  template.innerHTML = `<table><tbody>${html}</tbody></table>`;
  const row = template.content.querySelector("tr");
  document.getElementById(row.id)?.remove();
  document.getElementById("rows").prepend(row);
  document.getElementById("none")?.remove();
};

const board = {
  snapshot({ cards }) {
    document.getElementById("cards").replaceChildren();
    for (const card of cards.reverse()) putCard(card);
  },
  head({ call, card }) {
    const known = document.getElementById(`call-${call}`);
    if (!known) return putCard(card);
    known.querySelector("header").replaceWith(fragment(card).querySelector("header"));
  },
  line({ call, html }) {
    const list = document.querySelector(`#call-${CSS.escape(call)} .lines`);
    if (list) putLine(list, html, 30);
  },
  ended({ call, row, card }) {
    putRow(row);
    const known = document.getElementById(`call-${call}`);
    if (!known) return;
    known.querySelector("header").replaceWith(fragment(card).querySelector("header"));
    known.classList.add("over");
    setTimeout(() => { known.remove(); counted(); }, 8000);
  },
};

const single = {
  snapshot({ facts, lines }) {
    document.getElementById("facts").replaceWith(fragment(facts));
    const list = document.getElementById("lines");
    list.replaceChildren();
    for (const line of lines) putLine(list, line, 400);
  },
  head({ facts }) {
    document.getElementById("facts").replaceWith(fragment(facts));
  },
  line({ html }) {
    const page = document.documentElement;
    const follow = page.scrollHeight - page.scrollTop - page.clientHeight < 120;
    putLine(document.getElementById("lines"), html, 400);
    if (follow) page.scrollTop = page.scrollHeight;
  },
};

clock();
setInterval(clock, 1000);
for (const list of document.querySelectorAll(".card .lines")) list.scrollTop = list.scrollHeight;

const address = document.body.dataset.live;
if (address) {
  const view = document.getElementById("cards") ? board : single;
  const source = new EventSource(address);
  const paused = document.getElementById("paused");
  for (const [name, draw] of Object.entries(view)) {
    source.addEventListener(name, (event) => {
      draw(JSON.parse(event.data));
      clock();
      if (view === board) counted();
    });
  }
  source.addEventListener("restart", () => location.reload());
  source.addEventListener("over", () => source.close());
  source.onopen = () => { paused.hidden = true; };
  source.onerror = () => { paused.hidden = false; };
}
