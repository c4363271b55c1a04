// Asks the server that this page came from.

const BUSY = [429, 503];
const ATTEMPTS = 6;
const LONGEST_WAIT = 30;

/** What went wrong, in words for people. */
export class Problem extends Error {
  constructor(message, { status = 0 } = {}) {
    super(message);
    this.status = status;
  }
}

/** The token lives here and nowhere else. */
let token = "";

export function useToken(value) {
  token = value;
}

export function hasToken() {
  return token !== "";
}

/** The models that there are, the one that is wanted of them, or else the first, and its version. */
export async function model(wanted) {
  const names = (await ask("v1/models")).models.map((offered) => offered.name);
  const name = names.includes(wanted) ? wanted : names[0];
  const states = (await ask(`v1/models/${encodeURIComponent(name)}`)).model_version_status;
  return { names, name, version: states.find((state) => state.state === "AVAILABLE")?.version ?? "?" };
}

/**
 * Has an image read.
 *
 * @param {string} name of the model
 * @param {Blob} image encoded
 * @param {(seconds: number) => void} onBusy told when the server is busy and how long is waited
 * @returns what the signature `details` says of it (see `aocr_core.export.signatures`)
 */
export async function read(name, image, onBusy) {
  const body = JSON.stringify({ signature_name: "details", instances: [{ b64: await base64(image) }] });
  const { predictions } = await ask(`v1/models/${encodeURIComponent(name)}:predict`, { body, onBusy });
  return predictions[0];
}

async function ask(path, { body, onBusy = () => {} } = {}) {
  for (let attempt = 1; ; attempt++) {
    const response = await send(path, body);
    if (response.ok) return json(response);
    if (!BUSY.includes(response.status) || attempt === ATTEMPTS) throw await refusal(response);
    const seconds = pause(response, attempt);
    onBusy(seconds);
    await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
  }
}

async function send(path, body) {
  const headers = { ...(body && { "Content-Type": "application/json" }), ...(token && { Authorization: `Bearer ${token}` }) };
  try {
    return await fetch(path, { method: body ? "POST" : "GET", body, headers, credentials: "omit", cache: "no-store" });
  } catch {
    throw new Problem("The server does not answer. Is it still running?");
  }
}

async function json(response) {
  try {
    return await response.json();
  } catch {
    throw new Problem("The server broke off, or did not answer as it should.");
  }
}

/** Seconds until the next attempt: what the server asks for, or ever more, and never all pages at once. */
function pause(response, attempt) {
  const named = Number(response.headers.get("Retry-After")) || 0;
  return Math.min(Math.max(named, 0.5 * 2 ** attempt), LONGEST_WAIT) * (1 + Math.random() / 4);
}

async function refusal(response) {
  const words = await response.json().then((answer) => String(answer.error), () => response.statusText);
  const { status } = response;
  const message =
    status === 401 || status === 403
      ? hasToken() ? "The server does not accept this token." : "The server wants a token."
      : status === 413
        ? `Too large for the server: ${words}.`
        : BUSY.includes(status)
          ? "The server is too busy. Try again later."
          : status >= 500
            ? `The server failed: ${words}`
            : // The place in the request means nothing here: there is one image in it.
              words.replace(/^instances\[0\]: /, "").replace(/^./, (first) => first.toUpperCase());
  return new Problem(message, { status });
}

function base64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(new Problem("The file cannot be read. Was it changed or removed?"));
    reader.readAsDataURL(blob);
  });
}
