// One image on the page, and what is read in it. Text from files and from the server is only ever set as text.

import { light, rowHeight, rows } from "./heat.js";
import { level, percent, reading as made, span, visible } from "./reading.js";

const TALLEST = 120; // CSS pixels of an image on the page
const NARROWEST = 120;
const LONG = 36; // symbols

const HINT = "Point at a character, or use the arrow keys, to see where it was read.";

export class Card {
  /**
   * @param {HTMLTemplateElement} template
   * @param {File} file
   */
  constructor(template, file) {
    this.file = file;
    this.element = document.importNode(template.content, true).firstElementChild;
    this.reading = null;
    this.shown = null;
    this.part("name").textContent = file.name;
    this.part("remove").setAttribute("aria-label", `Remove ${file.name}`);
    this.image = this.element.querySelector("img");
    this.url = URL.createObjectURL(file);
    this.image.src = this.url;
    this.seen = this.image.decode().then(() => true, () => false);
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.part("board"));
    this.listen();
  }

  part(name) {
    return this.element.querySelector(`.${name}`);
  }

  /** A line on how it goes; a failure has its own colour, and a button where another attempt may help. */
  say(text, { failed = false, again = false } = {}) {
    this.part("state").textContent = text;
    this.part("state").hidden = text === "";
    this.part("again").hidden = !again;
    this.element.classList.toggle("failed", failed);
    this.element.setAttribute("aria-busy", String(!failed && text !== ""));
  }

  /** Show what the server says, `milliseconds` after it was asked. */
  async show(details, milliseconds) {
    this.reading = made(details);
    this.visible = await this.seen;
    const size = this.visible ? `${this.image.naturalWidth} × ${this.image.naturalHeight} pixels · ` : "";
    this.part("facts").textContent = `${size}${Math.round(milliseconds)} ms`;
    this.image.alt = `The image ${this.file.name}`;
    if (!this.visible) this.replaceImage();
    this.write();
    this.say("");
    this.part("reading").hidden = false;
    this.part("copy-text").hidden = false;
    this.point(null);
  }

  /** TIFF and JPEG 2000 can be read by the server, but not shown by most browsers. */
  replaceImage() {
    const note = document.createElement("div");
    note.className = "none";
    note.textContent = "This browser cannot show images of this kind.";
    this.image.replaceWith(note);
    this.image = note;
  }

  write() {
    const { symbols, probabilities, probability, tokens, joined, end, direction, text } = this.reading;
    const line = this.part("text");
    line.dir = tokens ? "ltr" : direction;
    line.setAttribute("aria-label", `Characters in ${this.file.name}: ${text || "nothing"}`);
    line.classList.toggle("tokens", tokens);
    line.classList.toggle("apart", !joined);
    line.classList.toggle("long", symbols.length > LONG);
    line.replaceChildren();
    symbols.forEach((symbol, index) => {
      if (tokens && index) line.append(" ");
      line.append(this.option(symbol, probabilities[index], `${visible(symbol)}, ${percent(probabilities[index])}`, index));
    });
    if (symbols.length) {
      const label = end === null ? "cut off at the greatest length" : `end of the text, ${percent(end)}`;
      const mark = this.option(end === null ? "cut" : "end", end ?? 0, label, symbols.length);
      mark.classList.add("end");
      line.append(mark);
      line.firstChild.tabIndex = 0;
    }
    this.part("whole").querySelector("b").textContent = percent(probability);
    this.part("whole").querySelector("i").style.width = `${100 * probability}%`;
  }

  option(text, share, label, index) {
    const option = document.createElement("span");
    option.className = `symbol ${level(share)}`;
    option.textContent = text;
    option.tabIndex = -1;
    option.dataset.index = index;
    option.setAttribute("role", "option");
    option.setAttribute("aria-label", label);
    return option;
  }

  listen() {
    const line = this.part("text");
    const number = (event) => event.target.dataset?.index;
    line.addEventListener("pointerover", (event) => number(event) && this.point(Number(number(event))));
    line.addEventListener("pointerleave", () => this.point(this.focused()));
    line.addEventListener("focusin", (event) => this.point(Number(number(event))));
    line.addEventListener("focusout", () => this.point(null));
    line.addEventListener("keydown", (event) => this.walk(event));
    const heat = this.part("heat");
    const row = (event) => {
      const count = this.reading.symbols.length;
      if (count) this.point(Math.min(Math.floor(event.offsetY / rowHeight(count)), count - 1));
    };
    for (const kind of ["pointerdown", "pointermove"]) heat.addEventListener(kind, row);
    heat.addEventListener("pointerleave", () => this.point(this.focused()));
    this.part("copy-text").addEventListener("click", () => navigator.clipboard?.writeText(this.reading.text));
  }

  /** The symbol with the keyboard's focus. */
  focused() {
    const index = this.element.querySelector(".symbol:focus")?.dataset.index;
    return index === undefined ? null : Number(index);
  }

  walk(event) {
    const options = [...this.part("text").querySelectorAll(".symbol")];
    const at = options.indexOf(document.activeElement);
    const forwards = this.part("text").dir === "rtl" ? -1 : 1;
    const next = { ArrowRight: at + forwards, ArrowLeft: at - forwards, Home: 0, End: options.length - 1 }[event.key];
    if (event.key === "Escape") document.activeElement.blur();
    if (next === undefined || !options[next]) return;
    event.preventDefault();
    options[at].tabIndex = -1;
    options[next].tabIndex = 0;
    options[next].focus();
  }

  /** Show where the symbol `index` was seen; null: no symbol, all of the image. */
  point(index) {
    this.shown = index;
    for (const option of this.part("text").querySelectorAll(".symbol")) {
      const shown = Number(option.dataset.index) === index;
      option.classList.toggle("shown", shown);
      option.setAttribute("aria-selected", String(shown));
    }
    this.part("figure").textContent = this.describe(index);
    this.draw();
  }

  describe(index) {
    const { symbols, probabilities, attention, end } = this.reading;
    if (index === null) return symbols.length ? HINT : "No text was found in this image.";
    if (index >= symbols.length) {
      return end === null ? "The text is cut off: the model writes no longer ones." : `The text ends here: ${percent(end)} sure.`;
    }
    const [from, to] = span(attention[index]).map((share) => Math.round(100 * share));
    // Isolated: a letter of a right-to-left script must not turn the figures round.
    return `\u2068${visible(symbols[index])}\u2069 · ${percent(probabilities[index])} sure · seen at ${from}–${to} % of the width`;
  }

  draw() {
    if (!this.reading) return;
    const board = this.part("board");
    const style = getComputedStyle(board);
    const gutter = parseFloat(style.getPropertyValue("--gutter")) * parseFloat(getComputedStyle(document.documentElement).fontSize);
    const room = board.clientWidth - 2 * gutter;
    if (room < 1) return;
    const aspect = this.visible ? this.image.naturalWidth / this.image.naturalHeight : 4;
    const width = Math.round(Math.min(room, Math.max(TALLEST * aspect, NARROWEST)));
    const height = Math.round(Math.min(width / aspect, 4 * TALLEST));
    this.image.style.width = `${width}px`;
    this.image.style.height = `${height}px`;
    light(this.part("light"), width, height, this.reading.attention[this.shown ?? -1], style.getPropertyValue("--card"));
    const row = this.reading.symbols[this.shown ?? -1] === undefined ? null : this.shown;
    rows(this.part("heat"), width, gutter, this.reading, row, style);
  }

  remove() {
    this.observer.disconnect();
    URL.revokeObjectURL(this.url);
    this.element.remove();
  }
}
