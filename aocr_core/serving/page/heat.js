// The attention as pictures.

import { percent, visible } from "./reading.js";

const FLAME = "rgb(255, 150, 56)";
const LOWEST_WITH_TEXT = 11; // CSS pixels of a row

/** Attention over time steps as brightness over `width` pixels, smooth; the highest is 1. */
function along(weights, width) {
  const highest = Math.max(...weights, 1e-12);
  return Float32Array.from({ length: width }, (_, x) => {
    const place = ((x + 0.5) / width) * weights.length - 0.5;
    const left = Math.min(Math.max(Math.floor(place), 0), weights.length - 1);
    const right = Math.min(left + 1, weights.length - 1);
    const share = Math.min(Math.max(place - left, 0), 1);
    return (weights[left] * (1 - share) + weights[right] * share) / highest;
  });
}

/** Gives a canvas a size in CSS pixels; what is drawn on it is as sharp as the screen. */
function prepare(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  return { context: canvas.getContext("2d"), ratio };
}

/** A light on the image where the model looked: the rest is veiled. Without weights the image is plain. */
export function light(canvas, width, height, weights, veil) {
  const { context, ratio } = prepare(canvas, width, height);
  if (!weights) return;
  const heat = along(weights, canvas.width);
  const foot = Math.round(4 * ratio);
  heat.forEach((warmth, x) => {
    context.globalAlpha = 0.72 * (1 - warmth);
    context.fillStyle = veil;
    context.fillRect(x, 0, 1, canvas.height);
    context.globalAlpha = warmth;
    context.fillStyle = FLAME;
    context.fillRect(x, canvas.height - foot, 1, foot);
  });
}

/** Height of a row in CSS pixels, with `count` rows. */
export function rowHeight(count) {
  return Math.min(Math.max(Math.floor(240 / Math.max(count, 1)), 5), 20);
}

/**
 * All symbols at once: a row for each, with its name, its attention right below the image, and how sure it is.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {number} width of the image on the page
 * @param {number} gutter CSS pixels left and right of the rows
 * @param {object} reading see `reading.js`
 * @param {number | null} shown the row that is pointed at
 * @param {CSSStyleDeclaration} style colours and font of the page
 */
export function rows(canvas, width, gutter, reading, shown, style) {
  const count = reading.symbols.length;
  const height = rowHeight(count);
  const bar = height - (height > LOWEST_WITH_TEXT ? 3 : 1);
  const { context, ratio } = prepare(canvas, width + 2 * gutter, Math.max(count * height, 1));
  const left = Math.round(gutter * ratio);
  reading.attention.forEach((weights, row) => {
    const top = Math.round(row * height * ratio);
    const down = Math.max(Math.round(bar * ratio), 1);
    context.fillStyle = style.getPropertyValue(row === shown ? "--line" : "--paper");
    context.globalAlpha = 1;
    context.fillRect(left, top, Math.round(width * ratio), down);
    context.fillStyle = FLAME;
    along(weights, Math.round(width * ratio)).forEach((warmth, x) => {
      context.globalAlpha = shown === null || row === shown ? warmth : 0.4 * warmth;
      context.fillRect(left + x, top, 1, down);
    });
  });
  context.globalAlpha = 1;
  context.scale(ratio, ratio);
  context.textBaseline = "middle";
  const size = Math.min(Math.max(bar, 9), 14);
  reading.symbols.forEach((symbol, row) => {
    if (height < LOWEST_WITH_TEXT && row !== shown) return;
    const middle = row * height + bar / 2;
    const weight = row === shown ? "600 " : "";
    context.fillStyle = style.getPropertyValue(row === shown ? "--ink" : "--faint");
    context.font = `${weight}${size}px ${reading.tokens ? "ui-monospace, monospace" : style.fontFamily}`;
    context.textAlign = "right";
    context.fillText(visible(symbol), gutter - 8, middle, gutter - 8);
    context.font = `${weight}${Math.min(size, 12)}px ${style.fontFamily}`;
    context.textAlign = "left";
    context.fillText(percent(reading.probabilities[row], 0), gutter + width + 8, middle, gutter - 8);
  });
}
