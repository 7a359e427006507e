// The latest requests, and one transaction by its GTXID.

import { askJson } from "./ask.js";
import { each, h, put, say, show, tell } from "./dom.js";
import { clock, count, millis } from "./units.js";
import { waterfall } from "./waterfall.js";
import { t } from "./words.js";

const EVERY = 3000;

// A list of requests; newest first, as the journal tells them.
function list() {
  const node = h("ul", { class: "requests" });
  return {
    node,
    update(all) {
      const failing = (one) => one.status >= 500;
      each(node, all, (one) => `${one.gtxid} ${one.branch} ${one.started}`, (one) => {
        const link = h("a", { href: `#/txn/${encodeURIComponent(one.gtxid)}` });
        const [status, ms] = [h("span", { class: "status" }), h("span", { class: "ms" })];
        link.append(status, h("span", { class: "what" }, one.method ? `${one.method} ${one.route ?? t("noRoute")}` : t("ownWork")), ms, h("span", { class: "dim id" }, h("time", { datetime: one.started }, clock(one.started)), " ", h("code", {}, one.gtxid)));
        return {
          node: h("li", {}, link),
          update(now) {
            say(status, String(now.status ?? "…"));
            put(link, "data-kind", failing(now) ? "bad" : now.status >= 400 ? "note" : "good");
            say(ms, now.ms === undefined ? t("running") : millis(now.ms));
          },
        };
      });
    },
  };
}

// Asks now and then, while somebody looks.
function regularly(limit, told, failed) {
  let [next, busy, gone] = [0, false, false];
  return {
    async update() {
      if (busy || gone || document.hidden || performance.now() < next) return;
      busy = true;
      next = performance.now() + EVERY;
      try {
        const latest = await askJson(`/txn?limit=${limit}`);
        if (!gone) told(latest);
      } catch (error) {
        if (!gone) failed?.(error);
      }
      busy = false;
    },
    close: () => (gone = true),
  };
}

export function recent(limit) {
  const [requests, none] = [list(), h("p", { class: "empty" }, t("noErrors"))];
  show(none, false);
  const often = regularly(limit, (latest) => {
    requests.update(latest.kept);
    show(none, latest.kept.length === 0);
    say(none, latest.enabled ? t("noErrors") : t("journalOff"));
  });
  const node = h("section", { class: "panel", "aria-label": t("errorsAndSlow") },
    h("div", { class: "panel-head" }, h("h2", {}, t("errorsAndSlow")), h("a", { href: "#/txn" }, t("all"))), none, requests.node);
  return { node, ...often };
}

export function transactions() {
  const [bad, good] = [list(), list()];
  const [about, wrong] = [h("p", { class: "dim" }), h("p", { class: "wrong", role: "alert" })];
  const [noBad, noGood] = [h("p", { class: "empty" }, t("noErrors")), h("p", { class: "empty" }, t("noRequests"))];
  const often = regularly(50, (latest) => {
    say(wrong, latest.enabled ? "" : t("journalOff"));
    say(about, t("journalHolds", count(latest.kept_requests + latest.recent_requests), latest.slow_from_ms === null ? null : millis(latest.slow_from_ms)));
    bad.update(latest.kept);
    good.update(latest.recent);
    show(noBad, latest.kept.length === 0);
    show(noGood, latest.recent.length === 0);
  }, (error) => say(wrong, error.message));
  const node = h("div", { class: "transactions" },
    h("h1", {}, t("transactions")), about, wrong,
    h("div", { class: "halves" },
      h("section", { class: "panel", "aria-label": t("errorsAndSlow") }, h("h2", {}, t("errorsAndSlow")), noBad, bad.node),
      h("section", { class: "panel", "aria-label": t("others") }, h("h2", {}, t("others")), noGood, good.node)));
  return { node, ...often };
}

export function transaction(gtxid) {
  const body = h("div", { class: "found" }, h("p", { class: "dim" }, t("asking")));
  const again = h("button", { type: "button", onclick: find }, t("askAgain"));
  const node = h("div", { class: "transaction" },
    h("div", { class: "panel-head" }, h("h1", {}, t("transaction"), " ", h("code", { class: "gtxid" }, gtxid)), again), body);
  let gone = false;
  // The service's clock, not the reader's: they need not agree.
  let clockOf = Date.now;
  async function find() {
    again.disabled = true;
    try {
      const found = await askJson(`/txn/${encodeURIComponent(gtxid)}?scope=all`);
      if (!gone) body.replaceChildren(...found.entries.map((entry, at, all) => waterfall(entry, clockOf(), all.length > 1 ? at + 1 : 0)));
      if (!gone) tell(t("found", body.querySelector(".summary")?.textContent ?? ""));
    } catch (error) {
      const hint = error.status === 404 ? h("p", { class: "dim" }, t("notFoundHint")) : null;
      if (!gone) body.replaceChildren(h("section", { class: "panel" }, h("h2", {}, error.status === 404 ? t("notFound") : t("notDone", "")), h("p", {}, error.message), ...[hint].filter(Boolean)));
    }
    again.disabled = false;
  }
  find();
  return {
    node,
    close: () => (gone = true),
    update(snapshot) {
      const ahead = snapshot.at - Date.now();
      clockOf = () => Date.now() + ahead;
    },
  };
}
