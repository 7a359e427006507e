// The details of an endpoint, of a policy's circuit, or of all circuits of a service, with the hands that may be laid on them.

import { askJson } from "./ask.js";
import { windowBars } from "./charts.js";
import { change } from "./confirm.js";
import { h, icon, put, say, show } from "./dom.js";
import { kindOf, stateWords } from "./endpoints.js";
import { count, millis, percent, span } from "./units.js";
import { t, term } from "./words.js";

// A circuit in a sentence.
export function circuitWords(circuit) {
  if (!circuit) return t("noCircuit");
  const words = [t("circuitIs", term("states", circuit.s ?? "closed"))];
  if (circuit.dark) words.push(t("dark"));
  if (circuit.since !== undefined && circuit.s) words.push(t("since", span(circuit.since)));
  if (circuit.why && circuit.s) words.push(term("reasons", circuit.why));
  if (circuit.trial !== undefined) words.push(t("trialIn", span(circuit.trial)));
  words.push(t("judged", count(circuit.n[0]), count(circuit.n[1])));
  if (circuit.n[2] > 0) words.push(t("slowOnes", count(circuit.n[2])));
  if (circuit.refused > 0) words.push(t("refusedSince", count(circuit.refused)));
  return words.join(" · ");
}

export function detail() {
  let about = null; // { service, endpoint }: "" for a policy's, null for all of the service
  const node = h("dialog", { class: "detail", "aria-labelledby": "detail-title", onclose: () => (about = null), onclick: (event) => event.target === node && node.close() });
  const [title, below, mark, state, circuit, list, labels] = [h("h2", { id: "detail-title" }), h("p", { class: "dim" }), h("span", {}), h("span", {}), h("p", {}), h("dl", { class: "facts" }), h("dl", { class: "facts" })];
  const bars = windowBars();
  const [hands, later] = [h("div", { class: "hands" }), h("div", {})];
  const stateLine = h("p", { class: "detail-state" }, mark, state);
  const pictures = h("figure", {}, bars.node, h("figcaption", { class: "dim" }, t("windowKey")));
  node.append(h("div", { class: "dialog-head" }, title, h("button", { type: "button", class: "quiet", "aria-label": t("close"), onclick: () => node.close() }, "✕")), below, stateLine, list, circuit, pictures, labels, hands, later);

  function open(service, endpoint) {
    about = { service, endpoint };
    later.replaceChildren();
    labels.replaceChildren();
    show(hands, true);
    hands.replaceChildren(h("p", { class: "dim" }, t("byHand")), ...["open", "close", "reset"].map((action) =>
      h("button", { type: "button", "data-action": action, onclick: () => {
        show(hands, false);
        later.replaceChildren(change(about, action, () => {
          later.replaceChildren();
          show(hands, true);
          hands.querySelector(`[data-action=${action}]`)?.focus();
        }));
        later.querySelector("button")?.focus();
      } }, t(`hand_${action}`))));
    if (!node.open) node.showModal();
    if (last) update(...last);
    if (endpoint) place(service, endpoint);
  }

  // What discovery knows of it is asked for when somebody wants to know it.
  async function place(service, endpoint) {
    const all = await askJson("/endpoints").catch(() => []);
    const known = all.find((one) => one.service === service)?.endpoints.find((one) => one.endpoint === endpoint);
    if (!known || about?.endpoint !== endpoint) return;
    const facts = Object.entries(known.labels ?? {});
    if (known.addr && known.addr !== endpoint) facts.unshift([t("address"), known.addr]);
    labels.replaceChildren(...facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
  }

  let last = null;
  let kind = null;
  function update(snapshot, history) {
    last = [snapshot, history];
    if (!about || !node.open) return;
    const service = snapshot.services.find((one) => one.name === about.service);
    const endpoint = about.endpoint && service?.endpoints.find((one) => one.e === about.endpoint);
    const policy = about.endpoint === "" && snapshot.policies.find((one) => one.name === about.service);
    say(title, about.endpoint || about.service);
    say(below, about.endpoint ? about.service : about.endpoint === "" ? t("policyOf") : t("allOf", service?.endpoints.length ?? 0));
    show(stateLine, Boolean(about.endpoint));
    show(list, Boolean(endpoint));
    if (about.endpoint && !endpoint) say(state, t("gone"));
    if (endpoint) {
      const now = kindOf(endpoint);
      if (kind !== now) mark.replaceChildren(icon((kind = now)));
      put(stateLine, "data-kind", now);
      say(state, stateWords(endpoint, now));
      const share = history.service(service).shares?.get(endpoint.e);
      const facts = [
        ["latency", millis(endpoint.ms)], ["inFlight", count(endpoint.i ?? 0)], ["share", percent(share)], ["failures", percent(endpoint.f ?? 0)],
        ["attempts", count(endpoint.n ?? 0)], ["failed", count(endpoint.x ?? 0)], ["weight", count(endpoint.wt ?? 100)], ["zone", endpoint.z ?? "–"],
      ];
      if (list.children.length === 0) list.append(...facts.map(([name]) => h("div", {}, h("dt", {}, t(name)), h("dd", {}))));
      facts.forEach(([, text], at) => say(list.children[at].lastChild, text));
    }
    const shown = endpoint ? endpoint.c : policy?.circuit;
    show(circuit, Boolean(endpoint || policy));
    say(circuit, circuitWords(shown));
    show(pictures, Boolean(shown?.w?.some((one) => one[0] + one[1] > 0)));
    bars.update(shown);
  }
  return { node, open, update };
}
