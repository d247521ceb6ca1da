// The page's own JSON API. The header proves to the playground that this page asks, not a stranger's: it cannot be sent across origins.

const HEADERS = { "Content-Type": "application/json", "X-Playground": "page" };

export async function get(path) {
  return answerOf(await fetch(`/page/api/${path}`, { headers: HEADERS, cache: "no-store" }));
}

export async function post(path, body) {
  let response;
  try {
    response = await fetch(`/page/api/${path}`, { method: "POST", headers: HEADERS, body: JSON.stringify(body) });
  } catch {
    throw new Error("The playground does not answer. Is `make run` still running?");
  }
  return answerOf(response);
}

async function answerOf(response) {
  const text = await response.text();
  let body = null;
  try {
    body = JSON.parse(text);
  } catch {
    // Not JSON: the status says enough.
  }
  if (!response.ok) throw new Error(body?.error ?? `The playground answered ${response.status}.`);
  return body;
}
