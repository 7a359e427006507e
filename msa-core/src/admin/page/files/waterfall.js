// A transaction as a waterfall: each call, each attempt, what the called process knows of it, each decision and its reason.

import { decisionWords } from "./decision.js";
import { h, icon } from "./dom.js";
import { count, millis } from "./units.js";
import { t, term } from "./words.js";

const DEEPEST = 64;
const HUES = 8;
const TICKS = 4;

const fails = (one) => (one.failed ? one.failed !== "cancelled" : one.status >= 500);

function outcome(one) {
  if (one.status === 499 && one.branch && one.gtxid) return t("callerGone");
  if (one.status) return String(one.status);
  if (one.failed) return term("outcomes", one.failed);
  return one.ms === undefined ? t("running") : t("done");
}

// Counts what there is of everything, and looks for the failure that the others came from: the deepest.
function survey(entry) {
  const seen = { services: new Map(), calls: 0, attempts: 0, retries: 0, worst: null };
  const visit = (one, depth) => {
    if (!seen.services.has(one.service)) seen.services.set(one.service, seen.services.size % HUES);
    if (depth > DEEPEST) return;
    let below = false;
    for (const call of one.calls ?? []) {
      if (!seen.services.has(call.service)) seen.services.set(call.service, seen.services.size % HUES);
      seen.calls += 1;
      const attempts = call.attempts ?? [];
      seen.attempts += attempts.length;
      seen.retries += Math.max(0, attempts.length - 1);
      for (const attempt of attempts) {
        if (attempt.served) visit(attempt.served, depth + 2);
        if (!fails(attempt) || !fails(call)) continue;
        below = true;
        if (!(attempt.served && fails(attempt.served))) note(depth + 1, { attempt, call });
      }
      // Refused before it was made: there is no attempt that failed.
      if (fails(call) && attempts.length === 0) note(depth, { call }), (below = true);
    }
    if (fails(one) && !below) note(depth, { entry: one });
  };
  const note = (depth, what) => {
    if (!seen.worst || depth > seen.worst.depth) seen.worst = { depth, ...what };
  };
  visit(entry, 0);
  return seen;
}

const whatOf = (entry) => (entry.method ? `${entry.method} ${entry.route ?? t("noRoute")}` : t("ownWork"));

function worstWords({ entry, call, attempt }) {
  if (entry) return t("worstEntry", entry.service, entry.instance, whatOf(entry), outcome(entry));
  const what = `${call.method} ${call.path}`;
  if (!attempt) return t("worstRefused", call.service, what, outcome(call));
  return t("worstAttempt", call.service, attempt.endpoint, what, outcome(attempt));
}

// `now` is the service's own time: what still runs has run until then. `nth` is its number, where the transaction came here more than once.
export function waterfall(entry, now, nth) {
  const running = entry.ms === undefined;
  const age = running ? Math.max(0, now - Date.parse(entry.started)) : 0;
  const told = new Set();
  const whole = Math.max(0.001, entry.ms ?? age, ...(entry.calls ?? []).map((call) => call.at_ms + (call.ms ?? 0)));
  const seen = survey(entry);
  const worst = seen.worst && (seen.worst.attempt ?? seen.worst.entry ?? seen.worst.call);

  // `at`: when it began on the time line; what runs still reaches to its end.
  function bar(at, ms, kind) {
    const node = h("span", { class: "bar", "data-kind": kind });
    const from = Math.min(1, Math.max(0, at / whole));
    node.style.setProperty("--from", from.toFixed(4));
    node.style.setProperty("--wide", (ms === undefined ? 1 - from : Math.min(1 - from, ms / whole)).toFixed(4));
    return h("span", { class: "track", "aria-hidden": "true" }, node);
  }

  function row(kind, service, label, result, at, one, below = []) {
    const state = one.ms === undefined && !one.status && !one.failed ? "run" : fails(one) ? "bad" : one.status >= 400 || one.failed ? "note" : "good";
    const time = h("span", { class: "ms" }, millis(state === "run" ? Math.max(0, whole - at) : one.ms));
    const line = h("div", { class: "row", "data-row": kind, "data-kind": state, "data-hue": seen.services.get(service) },
      h("span", { class: "label" }, label, " ", h("span", { class: "result" }, state === "bad" && icon("open"), result), one === worst && h("span", { class: "origin" }, t("origin"))),
      bar(at, one.ms, state), time);
    return h("li", {}, line, below.length > 0 && h("ul", {}, below));
  }

  function remark(name, text, at) {
    const tick = at === undefined ? null : h("span", { class: "tick" });
    tick?.style.setProperty("--from", Math.min(1, Math.max(0, at / whole)).toFixed(4));
    return h("li", {}, h("div", { class: "row", "data-row": name }, h("span", { class: "label" }, text), h("span", { class: "track", "aria-hidden": "true" }, tick), h("span", { class: "ms" }, at === undefined ? "" : `+${millis(at)}`)));
  }

  const decided = (decision, at) => remark("decision", decisionWords(decision), at + decision.at_ms);

  function entryRow(one, at, depth) {
    const below = (one.decisions ?? []).map((decision) => decided(decision, at));
    if (depth < DEEPEST) below.push(...(one.calls ?? []).map((call) => callRow(call, at, depth + 1)));
    if (one.left_out > 0) below.push(remark("unknown", t("leftOut", one.left_out)));
    const label = [h("strong", { class: "service-name" }, one.service), " ", h("span", { class: "what" }, whatOf(one)), " ", h("code", { class: "dim", title: t("process") }, one.instance)];
    return row("entry", one.service, label, outcome(one), at, one, below);
  }

  // A call of one attempt is one row: most are.
  function callRow(call, at, depth) {
    const attempts = call.attempts ?? [];
    const single = attempts.length === 1 && call.status === attempts[0].status && call.failed === attempts[0].failed ? attempts[0] : null;
    const parts = [
      ...(call.decisions ?? []).map((decision) => [decision.at_ms, decided(decision, at)]),
      ...(single ? [] : attempts.map((attempt) => [attempt.at_ms, attemptRow(attempt, call, at, depth + 1)])),
    ];
    parts.sort(([one], [other]) => one - other);
    const below = parts.map(([, node]) => node);
    if (single) below.unshift(...inside(single, at, depth + 1));
    const label = [icon("call"), h("span", { class: "service-name" }, call.service), " ", h("span", { class: "what" }, `${call.method} ${call.path}`), single && h("code", { class: "dim" }, ` ${single.endpoint}`)];
    const marked = single === worst && single ? { ...call, ms: call.ms } : call;
    const node = row("call", call.service, label.filter(Boolean), outcome(call), at + call.at_ms, marked, below);
    if (single && single === worst) node.querySelector(".label").append(h("span", { class: "origin" }, t("origin")));
    return node;
  }

  function attemptRow(attempt, call, at, depth) {
    const label = [h("span", { class: "what" }, t("attempt", attempt.number)), " ", h("code", {}, attempt.endpoint)];
    return row("attempt", call.service, label, outcome(attempt), at + attempt.at_ms, attempt, inside(attempt, at, depth));
  }

  // Clocks of other processes are not trusted: what an attempt led to is drawn in its middle.
  function inside(attempt, at, depth) {
    const all = [];
    if (attempt.unknown) {
      all.push(remark("unknown", `? ${told.has(attempt.unknown) ? t("asAbove") : t("untold", attempt.unknown)}`));
      told.add(attempt.unknown);
    }
    if (attempt.served && depth < DEEPEST) {
      const spare = Math.max(0, (attempt.ms ?? 0) - (attempt.served.ms ?? 0)) / 2;
      all.push(entryRow(attempt.served, at + attempt.at_ms + spare, depth + 1));
    }
    return all;
  }

  const axis = h("div", { class: "row axis", "aria-hidden": "true" }, h("span", { class: "label" }), h("span", { class: "track" }, Array.from({ length: TICKS + 1 }, (_, at) => {
    const tick = h("span", { class: "axis-tick" }, millis((whole * at) / TICKS));
    tick.style.setProperty("--from", at / TICKS);
    return tick;
  })), h("span", { class: "ms" }));
  return h("section", { class: "panel", "aria-label": [t("transaction"), nth || ""].join(" ").trim() },
    h("p", { class: "summary" },
      h("span", { class: "pill", "data-kind": fails(entry) ? "bad" : running ? null : "good" }, outcome(entry)), " ",
      t("summary", t(running ? "runsFor" : "took", millis(entry.ms ?? age)), seen.services.size, seen.calls, seen.attempts, seen.retries)),
    h("p", { class: "dim" }, t("startedAt", new Date(entry.started).toLocaleString(document.documentElement.lang), count(entry.ltxid), entry.peer)),
    worst && h("p", { class: "worst" }, icon("alert"), h("span", {}, worstWords(seen.worst))),
    h("div", { class: "waterfall" }, axis, h("ul", {}, entryRow(entry, 0, 0))));
}
