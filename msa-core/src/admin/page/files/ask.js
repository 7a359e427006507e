// Asks the management listener, with the token when one is needed, and keeps what the reader chose.

const TOKEN = "msa.token";
const CHOICE = "msa.";

// What the browser will not keep is kept until the page is closed.
const memory = new Map();

function read(store, name) {
  try {
    return store.getItem(name) ?? memory.get(name) ?? null;
  } catch {
    return memory.get(name) ?? null;
  }
}

function write(store, name, value) {
  memory.set(name, value);
  try {
    store.setItem(name, value);
  } catch {
    // In private windows there may be no storage: the memory above has it.
  }
}

export const kept = (name) => read(localStorage, CHOICE + name);
export const keep = (name, value) => write(localStorage, CHOICE + name, value);
export const giveToken = (token) => write(sessionStorage, TOKEN, token);
export const hasToken = () => Boolean(read(sessionStorage, TOKEN));

// An answer that is not what was asked for.
export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

let locked = () => {};
export const whenLocked = (run) => (locked = run);

export async function ask(path, { method = "GET", body, signal } = {}) {
  const headers = {};
  const token = read(sessionStorage, TOKEN);
  if (token) headers.authorization = `Bearer ${token}`;
  if (method !== "GET") headers["content-type"] = "application/json";
  const answer = await fetch(path, { method, headers, signal, cache: "no-store", body: body && JSON.stringify(body) });
  if (answer.ok) return answer;
  if (answer.status === 401) locked();
  const problem = await answer.json().catch(() => ({}));
  throw new Refused(answer.status, problem.detail ?? problem.title ?? String(answer.status));
}

export const askJson = async (path, options) => (await ask(path, options)).json();
