// How to ask for the same from a program.

/** Quoted for a POSIX shell. */
function shell(text) {
  return /^[\w./:%-]+$/.test(text) && !text.startsWith("-") ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Quoted for Python: JSON's strings are strings of Python, too. */
function python(text) {
  return JSON.stringify(text);
}

/** `{curl, python, predict}`, for the model at `url` and a file; the token is named, never shown. */
export function programs(url, file, hasToken) {
  const path = file.startsWith("-") ? `./${file}` : file;
  const header = hasToken ? ` \\\n  -H "Authorization: Bearer $AOCR_TOKEN"` : "";
  const environment = hasToken ? "# the token is taken from the environment, AOCR_TOKEN\n" : "";
  return {
    curl: `printf '{"signature_name": "details", "instances": [{"b64": "%s"}]}' "$(base64 < ${shell(path)} | tr -d '\\n')" |
  curl -s ${shell(`${url}:predict`)} -H 'Content-Type: application/json'${header} -d @-`,
    python: `from aocr_core.serving.client import Client

${environment}with Client(${python(url)}) as client:
    for reading in client.read([${python(path)}], attention=True):
        print(reading.text, reading.probability)
        print(reading.symbols, reading.symbol_probabilities)  # one more, the end's
        print(reading.attention.shape)  # [symbols, time steps], from left to right`,
    predict: `${environment}aocr predict --server ${shell(url)} ${shell(path)}`,
  };
}
