// The page: takes images, asks for each, and shows the answers.

import * as api from "./api.js";
import { Card } from "./card.js";
import { programs } from "./programs.js";
import { percent } from "./reading.js";

const AT_A_TIME = 4;

const get = (id) => document.getElementById(id);
const cards = new Set();
const waiting = [];
let asking = 0;
let model = null; // a promise: many images may want to know at once
let named = null; // what it gave
let lastFile = "word.png";

/** Find out whom to ask; `false` if that is not known yet, and then the page says why. */
async function meet(wanted) {
  try {
    model = api.model(wanted);
    named = await model;
  } catch (error) {
    model = null;
    complain(error);
    return false;
  }
  get("problem").hidden = true;
  get("access").hidden = true;
  const options = named.names.map((name) => new Option(name, name, false, name === named.name));
  get("which").replaceChildren(...options);
  get("several").hidden = options.length < 2;
  get("model").textContent = `${options.length < 2 ? `model ${named.name}, ` : ""}version ${named.version}`;
  document.title = `${named.name} · Attention OCR`;
  describe();
  return true;
}

function complain(error) {
  const unauthorised = error.status === 401 || error.status === 403;
  get("problem").textContent = error.message;
  get("problem").hidden = unauthorised && !api.hasToken();
  get("access").hidden = !unauthorised;
  if (unauthorised) get("token").focus();
}

function add(files) {
  for (const file of files) {
    const card = new Card(get("card"), file);
    cards.add(card);
    get("cards").prepend(card.element);
    card.part("remove").addEventListener("click", () => remove(card));
    card.part("again").addEventListener("click", () => ask(card));
    lastFile = file.name;
    ask(card);
  }
  tidy();
  describe();
}

function remove(card) {
  cards.delete(card);
  const at = waiting.indexOf(card);
  if (at >= 0) waiting.splice(at, 1);
  card.remove();
  tidy();
  get("files").focus();
}

function tidy() {
  get("many").hidden = cards.size === 0;
  get("clear").hidden = cards.size < 2;
}

function ask(card) {
  card.say("Waiting …");
  waiting.push(card);
  work();
}

function work() {
  while (asking < AT_A_TIME && waiting.length) {
    asking++;
    answer(waiting.shift()).finally(() => {
      asking--;
      work();
    });
  }
}

async function answer(card) {
  card.say("Reading …");
  try {
    const { name } = await (model ??= api.model(named?.name));
    const started = performance.now();
    const details = await api.read(name, card.file, (seconds) => card.say(`The server is busy: next attempt in ${Math.ceil(seconds)} s`));
    await card.show(details, performance.now() - started);
    announce(`${card.file.name}: ${details.output || "no text"}, ${percent(details.probability)} sure`);
  } catch (error) {
    // What the server finds wrong with an image stays wrong.
    card.say(error.message, { failed: true, again: error.status !== 400 && error.status !== 413 });
    announce(`${card.file.name}: ${error.message}`);
    if (error.status === 401 || error.status === 403) complain(error);
    // Ask anew before the next image: it may be another server by now, or one that is up again.
    if (!error.status || error.status === 404) model = null;
  }
}

function announce(text) {
  get("said").textContent = text;
}

/** Fill in the lines for programs. */
function describe() {
  if (!named) return;
  const url = new URL(`v1/models/${encodeURIComponent(named.name)}`, document.baseURI).href;
  for (const [id, text] of Object.entries(programs(url, lastFile, api.hasToken()))) get(id).textContent = text;
}

get("files").addEventListener("change", (event) => {
  add(event.target.files);
  event.target.value = ""; // the same file may be chosen again
});

get("access").addEventListener("submit", async (event) => {
  event.preventDefault();
  api.useToken(get("token").value.trim());
  if (!(await meet())) return;
  get("token").value = "";
  get("files").focus();
  for (const card of cards) if (card.element.classList.contains("failed")) ask(card);
});

get("which").addEventListener("change", (event) => meet(event.target.value));

get("clear").addEventListener("click", () => [...cards].forEach(remove));

document.addEventListener("paste", (event) => {
  if (!event.clipboardData.files.length) return; // text, into the token's field perhaps
  event.preventDefault();
  add(event.clipboardData.files);
});

let depth = 0; // of elements that are dragged over: each tells of its own
const carriesFiles = (event) => event.dataTransfer.types.includes("Files");
document.addEventListener("dragenter", (event) => {
  if (carriesFiles(event)) document.body.classList.toggle("dropping", ++depth > 0);
});
document.addEventListener("dragleave", (event) => {
  if (carriesFiles(event)) document.body.classList.toggle("dropping", --depth > 0);
});
document.addEventListener("dragover", (event) => {
  if (carriesFiles(event)) event.preventDefault();
});
document.addEventListener("drop", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  depth = 0;
  document.body.classList.remove("dropping");
  add(event.dataTransfer.files);
});

for (const button of document.querySelectorAll(".copy")) {
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
}
// Browsers give the clipboard only to pages of this machine or over https.
if (!navigator.clipboard) document.body.classList.add("no-clipboard");

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => cards.forEach((card) => card.draw()));

meet();
