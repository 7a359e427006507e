// Is it me, whom do I call, which of them is broken, since when.

import { sparkline, windowBars } from "./charts.js";
import { each, h, icon, put, say, show } from "./dom.js";
import { circuitWords, detail } from "./endpoint.js";
import { service } from "./service.js";
import { recent } from "./transactions.js";
import { count, millis, percent, rate, span } from "./units.js";
import { verdict } from "./verdict.js";
import { t } from "./words.js";

const rank = (one) => (one.panic || one.endpoints.length === 0 ? 2 : one.endpoints.some((endpoint) => endpoint.s) ? 1 : 0);

export function overview() {
  const details = detail();
  const head = verdict((name) => {
    const card = document.getElementById(name);
    card?.scrollIntoView({ block: "start" });
    card?.focus({ preventScroll: true });
  });
  const inward = inbound();
  const list = h("div", { class: "cards" });
  const nobody = h("p", { class: "empty" }, t("nobody"));
  const own = policies(details);
  const latest = recent(8);
  const waiting = h("p", { class: "empty" }, t("live_connecting"));
  const body = h("div", { class: "overview", hidden: true },
    h("h1", { class: "unseen" }, t("overview")),
    head.node, inward.node,
    h("section", { class: "services", "aria-label": t("services") }, h("h2", {}, t("services")), nobody, list),
    h("div", { class: "aside" }, latest.node, own.node));
  const node = h("div", {}, waiting, body, details.node);
  return {
    node,
    close: () => latest.close(),
    update(snapshot, history) {
      show(waiting, false);
      show(body, true);
      head.update(snapshot, history);
      inward.update(snapshot, history);
      show(nobody, snapshot.services.length === 0);
      const sorted = [...snapshot.services].sort((one, other) => rank(other) - rank(one) || one.name.localeCompare(other.name));
      each(list, sorted, (one) => one.name, (one) => {
        const card = service(one.name, details);
        return { node: card.node, update: (now) => card.update(now, history) };
      });
      own.update(snapshot);
      latest.update();
      details.update(snapshot, history);
    },
  };
}

function stat(label) {
  const value = h("dd", {});
  const node = h("div", { class: "stat" }, h("dt", {}, label), value);
  return { node, update: (text, kind) => (say(value, text), put(node, "data-kind", kind)) };
}

function inbound() {
  const all = { rate: stat(t("perSecond")), errors: stat(t("errors")), p50: stat("p50"), p99: stat("p99"), active: stat(t("inFlight")), limit: stat(t("limit")), sheds: stat(t("shed")) };
  const [line, age] = [sparkline(), h("span", { class: "dim" })];
  const rows = h("tbody", {});
  const more = h("p", { class: "dim" });
  const titles = ["route", "perSecond", "errors", "p50", "p99"].map((name) => h("th", { scope: "col" }, name.startsWith("p") && name.length === 3 ? name : t(name)));
  const table = h("div", { class: "wide", role: "group", "aria-label": t("routes"), tabindex: "0" }, h("table", {}, h("thead", {}, h("tr", {}, titles)), rows));
  const words = h("summary", {});
  const routes = h("details", {}, words, table, more);
  const off = h("p", { class: "empty" }, t("notCounted"));
  const node = h("section", { class: "panel inbound", "aria-label": t("inbound") },
    h("h2", {}, t("inbound")),
    h("dl", { class: "stats" }, Object.values(all).map((one) => one.node)),
    h("div", { class: "line" }, line.node, age),
    off, routes);
  return {
    node,
    update(snapshot, history) {
      const server = snapshot.server;
      const now = history.server();
      all.rate.update(rate(now.rate));
      all.errors.update(percent(now.share), now.share > 0.02 ? "bad" : null);
      all.p50.update(millis(now.p50));
      all.p99.update(millis(now.p99));
      all.active.update(count(server.in_flight));
      const limit = server.overload;
      show(all.limit.node, limit.mode !== "off");
      all.limit.update(`${count(limit.limit)}${limit.mode === "dark" ? ` ${t("dark")}` : ""}`, limit.mode === "on" && limit.in_flight >= limit.limit ? "bad" : null);
      show(all.sheds.node, server.sheds > 0);
      all.sheds.update(t("each", rate(now.sheds)), now.sheds > 0 ? "bad" : null);
      const seen = history.line("server");
      line.update(seen);
      say(age, t("lineOf", span(Math.max(30, seen.length - 1) * 1000)));
      show(off, !snapshot.counted);
      show(routes, server.routes.length > 0);
      say(words, t("routesCount", server.routes.length));
      each(rows, server.routes, (one) => `${one.method} ${one.route}`, (one) => {
        const cells = [0, 1, 2, 3].map(() => h("td", {}));
        const row = h("tr", {}, h("th", { scope: "row" }, h("code", {}, one.method), " ", h("span", {}, one.route || t("noRoute"))), cells);
        return {
          node: row,
          update(route) {
            const of = history.route(route);
            [rate(of.rate), percent(of.share), millis(of.p50), millis(of.p99)].forEach((text, at) => say(cells[at], text));
            put(cells[1], "data-kind", of.share > 0.02 ? "bad" : null);
          },
        };
      });
      show(more, Boolean(server.more_routes));
      say(more, t("moreRoutes", server.more_routes ?? 0));
    },
  };
}

// Breakers of the program's own functions.
function policies(details) {
  const list = h("ul", { class: "policies" });
  const node = h("section", { class: "panel", "aria-label": t("policies") }, h("h2", {}, t("policies")), list);
  return {
    node,
    update(snapshot) {
      show(node, snapshot.policies.length > 0);
      each(list, snapshot.policies, (one) => one.name, (one) => {
        const [words, bars] = [h("span", { class: "dim" }), windowBars()];
        const state = h("span", {});
        const open = h("button", { type: "button", class: "policy", onclick: () => details.open(one.name, "") }, state, h("strong", {}, one.name), bars.node, words);
        let kind = null;
        return {
          node: h("li", {}, open),
          update(policy) {
            const next = { open: "open", forced_open: "open", half_open: "trial", disabled: "disabled" }[policy.circuit.s] ?? "usable";
            if (kind !== next) state.replaceChildren(icon((kind = next)));
            put(open, "data-kind", kind);
            bars.update(policy.circuit);
            say(words, circuitWords(policy.circuit));
          },
        };
      });
    },
  };
}
