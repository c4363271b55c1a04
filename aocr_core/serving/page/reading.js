// What the server says of an image, made ready to be shown.

const RIGHT_TO_LEFT = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Adlam}]/u;
// Letters that change with their neighbours, and marks that sit on them.
const JOINED = /[\p{Script=Arabic}\p{Script=Syriac}\p{Script=Nko}\p{Script=Adlam}\p{Script=Mongolian}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Gurmukhi}\p{Script=Gujarati}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Kannada}\p{Script=Malayalam}\p{Script=Sinhala}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Thai}\p{Script=Lao}\p{Script=Tibetan}\p{M}]/u;

/** `details` of the server without what stands for nothing; see `aocr_core.reading`. */
export function reading(details) {
  const cut = details.symbols.indexOf("");
  const count = cut < 0 ? details.symbols.length : cut;
  const symbols = details.symbols.slice(0, count);
  const end = details.symbol_probabilities[count];
  return {
    text: details.output,
    probability: details.probability,
    symbols,
    probabilities: details.symbol_probabilities.slice(0, count),
    end: end > 0 ? end : null,
    attention: details.attention.slice(0, count).map((row) => row.slice(0, details.time_steps)),
    tokens: details.output === symbols.join(" ") && details.output !== symbols.join(""),
    direction: direction(symbols),
    joined: JOINED.test(details.output),
  };
}

/** The direction in which most letters are written. */
function direction(symbols) {
  const letters = symbols.filter((symbol) => /^\p{L}/u.test(symbol));
  const backwards = letters.filter((letter) => RIGHT_TO_LEFT.test(letter)).length;
  return 2 * backwards > letters.length ? "rtl" : "ltr";
}

/** The symbol itself, or something that can be seen in its place. */
export function visible(symbol) {
  if (symbol === " ") return "␣";
  if (/^\p{M}$/u.test(symbol)) return `◌${symbol}`;
  if (/^[\p{Z}\p{C}]$/u.test(symbol)) return `U+${symbol.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
  return symbol;
}

export function percent(share, digits = 1) {
  return `${(100 * share).toFixed(digits)} %`;
}

/** Name of the class in `page.css` for how sure the model is. */
export function level(share) {
  return share >= 0.95 ? "sure" : share >= 0.8 ? "fair" : share >= 0.5 ? "doubtful" : "poor";
}

/** Where the bulk of the attention lies, as shares of the width: from the first to the last step of half the highest. */
export function span(weights) {
  const half = Math.max(...weights) / 2;
  const first = weights.findIndex((weight) => weight >= half);
  const last = weights.findLastIndex((weight) => weight >= half);
  return [first / weights.length, (last + 1) / weights.length];
}
