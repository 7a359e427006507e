// A called service: how it does, what limits the calls, and its endpoints.

import { gauge, sparkline } from "./charts.js";
import { h, put, say, show } from "./dom.js";
import { endpointsOf, kindOf, severity } from "./endpoints.js";
import { count, millis, percent, rate } from "./units.js";
import { t, term } from "./words.js";

const STATS = ["perSecond", "errors", "p50", "p99", "retries", "hedges", "refused", "timeouts", "fallbacks"];

export function service(name, details) {
  const state = h("span", { class: "pill" });
  const about = h("span", { class: "dim" });
  const line = sparkline();
  const stats = new Map(STATS.map((one) => {
    const value = h("dd", {});
    return [one, { value, node: h("div", { class: "stat" }, h("dt", {}, /^p\d+$/.test(one) ? one : t(one)), value) }];
  }));
  const budget = gauge(t("retryBudget"));
  const places = gauge(t("places"));
  const limit = gauge(t("limit"));
  const rates = gauge(t("rateLimit"));
  const outcomes = h("p", { class: "outcomes dim" });
  const endpoints = endpointsOf(name, details);
  const none = h("p", { class: "empty" }, t("noEndpoints"));
  const title = h("h3", { id: `title ${name}` }, name);
  const node = h("article", { class: "panel service", id: `service ${name}`, tabindex: "-1", "aria-label": name },
    h("div", { class: "service-head" }, title, state, about, h("button", { type: "button", class: "quiet", onclick: () => details.open(name, null) }, t("allCircuits"))),
    h("div", { class: "service-numbers" },
      h("dl", { class: "stats" }, [...stats.values()].map((one) => one.node)),
      line.node),
    h("div", { class: "gauges" }, budget.node, places.node, limit.node, rates.node),
    outcomes, none, endpoints.node);
  let full = 0; // the budget's greatest seen: what it is when nobody retries

  return {
    node,
    update(now, history) {
      const of = history.service(now);
      const all = now.endpoints.length;
      const out = now.endpoints.filter((one) => severity(kindOf(one)) >= 2).length;
      say(state, t("usableOf", all - out, all));
      put(state, "data-kind", all === 0 || out === all || now.panic ? "bad" : out > 0 ? "note" : "good");
      say(about, [now.plain && t("plain"), now.panic && t("panic"), now.balancer].filter(Boolean).join(" · "));
      const tell = (one, text, always, bad) => {
        say(stats.get(one).value, text);
        put(stats.get(one).node, "data-kind", bad ? "bad" : null);
        show(stats.get(one).node, always);
      };
      tell("perSecond", rate(of.rate), true);
      tell("errors", percent(of.share), true, of.share > 0.02);
      tell("p50", millis(of.p50), true);
      tell("p99", millis(of.p99), true);
      for (const one of ["retries", "hedges", "refused", "timeouts", "fallbacks"]) tell(one, t("each", rate(of[one])), (now.calls?.[one] ?? 0) > 0, one !== "hedges" && one !== "fallbacks" && of[one] > of.rate * 0.05);
      line.update(history.line(`service ${name}`));
      show(line.node, Boolean(now.calls));
      limits(now.limits ?? {});
      const seen = [...(now.calls?.outcomes ?? [])].sort((one, other) => other[1] - one[1]).slice(0, 6);
      show(outcomes, seen.length > 0);
      say(outcomes, t("outcomesAre", seen.map(([outcome, n]) => `${term("outcomes", outcome)} × ${count(n)}`).join(" · ")));
      show(none, all === 0);
      endpoints.update(now.endpoints, of.shares);
    },
  };

  function limits(now) {
    const left = now.retry_budget;
    show(budget.node, left !== null && left !== undefined);
    full = Math.max(full, left ?? 0, 1);
    budget.update((left ?? 0) / full, t("left", count(Math.floor(left ?? 0))), (left ?? 0) < full * 0.2);
    const hold = now.bulkhead;
    show(places.node, Boolean(hold));
    if (hold) {
      const whole = hold.running + hold.available;
      places.update(hold.running / Math.max(1, whole), [t("of", count(hold.running), count(whole)), hold.waiting > 0 && t("waiting", hold.waiting)].filter(Boolean).join(" · "), hold.available === 0);
    }
    show(limit.node, Boolean(now.limit));
    if (now.limit) limit.update(now.limit.in_flight / Math.max(1, now.limit.limit), `${t("of", count(now.limit.in_flight), count(now.limit.limit))}${now.limit.mode === "dark" ? ` ${t("dark")}` : ""}`, now.limit.in_flight >= now.limit.limit);
    show(rates.node, Boolean(now.rate_limit));
    if (now.rate_limit) rates.update(now.rate_limit.remaining / Math.max(1, now.rate_limit.limit), t("left", count(now.rate_limit.remaining)), now.rate_limit.remaining <= 0);
  }
}
