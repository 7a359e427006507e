// What is wrong, in one list: the first thing that somebody reads who was woken up.

import { each, h, icon, put, say, show, tell } from "./dom.js";
import { kindOf, severity } from "./endpoints.js";
import { percent, rate, span } from "./units.js";
import { t, term } from "./words.js";

// So large a share of failures is worth a line, of so many requests a second at least.
const SHARE = 0.02;
const WORTH = 0.2;

// Each: what is wrong, where to look, how bad (2 for broken, 1 for strained), since when in milliseconds.
export function problems(snapshot, history) {
  const all = [];
  const add = (key, bad, words, to, since) => all.push({ key, bad, words, to, since });
  if (snapshot.phase !== "ready") add("phase", 2, t("wrongPhase", term("phases", snapshot.phase)));
  for (const check of snapshot.checks) {
    const counts = check.kind !== "advisory";
    add(`check ${check.kind} ${check.name}`, counts ? 2 : 1, t("wrongCheck", check.name, term("kinds", check.kind), check.why ?? term("checks", check.status)));
  }
  if (snapshot.config_error) add("config", 1, t("wrongConfig", snapshot.config_error), "#/settings");
  if (snapshot.discovery_error) add("discovery", 1, t("wrongDiscovery", snapshot.discovery_error));
  const server = history.server();
  if (server.share > SHARE && server.bad > WORTH) add("errors", 2, t("wrongErrors", percent(server.share)), "#/txn");
  if (server.sheds > 0) add("sheds", 1, t("wrongSheds", rate(server.sheds)));
  for (const service of snapshot.services) wrongOf(service, history, add);
  for (const policy of snapshot.policies) {
    const circuit = policy.circuit;
    if (circuit.s && circuit.s !== "metrics_only") {
      add(`policy ${policy.name}`, circuit.dark || circuit.s === "disabled" ? 1 : 2, t("wrongPolicy", policy.name, term("states", circuit.s)), null, circuit.since);
    }
  }
  return all.sort((one, other) => other.bad - one.bad);
}

function wrongOf(service, history, add) {
  const to = `service ${service.name}`;
  const kinds = new Map();
  let since = 0;
  for (const endpoint of service.endpoints) {
    const kind = kindOf(endpoint);
    if (severity(kind) >= 2) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    if (severity(kind) >= 3 && endpoint.c?.s) since = Math.max(since, endpoint.c?.since ?? 0);
  }
  const all = service.endpoints.length;
  const out = [...kinds.values()].reduce((sum, n) => sum + n, 0);
  const now = history.service(service);
  if (all === 0) add(`none ${service.name}`, 2, t("wrongNone", service.name), to);
  if (out > 0) {
    const list = [...kinds].map(([kind, n]) => t("someAre", n, t(`kind_${kind}`))).join(", ");
    add(`out ${service.name}`, out === all || [...kinds.keys()].some((kind) => severity(kind) >= 4) ? 2 : 1, t("wrongEndpoints", service.name, out, all, list), to, since || null);
  }
  if (service.panic) add(`panic ${service.name}`, 2, t("wrongPanic", service.name), to);
  if (now.share > SHARE && now.bad > WORTH) add(`share ${service.name}`, 2, t("wrongCalls", service.name, percent(now.share)), to);
  if (now.retries > now.rate * 0.2 && now.retries > WORTH) add(`retries ${service.name}`, 1, t("wrongRetries", service.name, percent(now.retries / now.rate)), to);
  const budget = service.limits?.retry_budget;
  if (budget !== null && budget !== undefined && budget < 1) add(`budget ${service.name}`, 1, t("wrongBudget", service.name), to);
  if (service.limits?.throttle_rejects > 0.01) add(`throttle ${service.name}`, 1, t("wrongThrottle", service.name, percent(service.limits.throttle_rejects)), to);
}

export function verdict(jump) {
  const head = h("h2", {});
  const list = h("ul", { class: "problems" });
  let before = null;
  const node = h("section", { class: "panel verdict", "aria-label": t("verdict") }, head, list);
  return {
    node,
    update(snapshot, history) {
      const all = problems(snapshot, history);
      const worst = Math.max(0, ...all.map((one) => one.bad));
      // Told when it gets better or worse, and not each time when a number changes.
      if (before !== null && before !== worst) tell(t("wrong", all.length));
      before = worst;
      put(node, "data-kind", worst === 2 ? "bad" : worst === 1 ? "note" : "good");
      say(head, t("wrong", all.length));
      show(list, all.length > 0);
      each(list, all, (one) => one.key, () => {
        const words = h("span", {});
        const since = h("span", { class: "since" });
        const item = h("li", {}, icon("alert"), words, since);
        let target = null;
        return {
          node: item,
          update(one) {
            put(item, "data-kind", one.bad === 2 ? "bad" : "note");
            if (target !== (one.to ?? "")) {
              target = one.to ?? "";
              const link = one.to?.startsWith("#") ? h("a", { href: one.to }) : one.to ? h("button", { type: "button", class: "link", onclick: () => jump(one.to) }) : h("span", {});
              words.replaceChildren(link);
            }
            say(words.firstChild, one.words);
            say(since, one.since ? t("since", span(one.since)) : "");
          },
        };
      });
    },
  };
}
