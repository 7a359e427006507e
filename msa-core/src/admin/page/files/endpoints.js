// Endpoints: a few as tiles that tell all, many as cells to be seen at a glance.

import { windowBars } from "./charts.js";
import { each, h, icon, put, say, show } from "./dom.js";
import { count, millis, percent, span } from "./units.js";
import { t } from "./words.js";

// More than these are shown as cells.
export const FEW = 12;

const SEVERITY = { open: 5, ejected: 5, unhealthy: 4, draining: 2, disabled: 2, trial: 3, ramp: 1, usable: 0 };
export const severity = (kind) => SEVERITY[kind];

// What an endpoint is, in one word.
export function kindOf(endpoint) {
  const circuit = endpoint.c?.s;
  if (endpoint.s && endpoint.s !== "broken") return endpoint.s;
  if (circuit === "half_open") return "trial";
  if (endpoint.s === "broken" || circuit === "open" || circuit === "forced_open") return "open";
  if (circuit === "disabled") return "disabled";
  return endpoint.ramp !== undefined ? "ramp" : "usable";
}

// The same with since when, or until when.
export function stateWords(endpoint, kind) {
  const words = [t(endpoint.c?.s === "forced_open" && kind === "open" ? "kind_forced" : `kind_${kind}`)];
  const circuit = endpoint.c ?? {};
  if (kind === "ramp") words.push(percent(endpoint.ramp));
  if (SEVERITY[kind] >= 3 && circuit.s && circuit.since !== undefined) words.push(t("since", span(circuit.since)));
  if (kind === "ejected" && endpoint.back) words.push(t("backIn", span(endpoint.back)));
  if (kind === "open" && circuit.trial !== undefined) words.push(t("trialIn", span(circuit.trial)));
  return words.join(" · ");
}

export function endpointsOf(serviceName, details) {
  const [few, many] = [tiles(serviceName, details), cells(serviceName, details)];
  const node = h("div", {}, few.node, many.node);
  return {
    node,
    update(endpoints, shares) {
      const all = endpoints.map((one, at) => ({ ...one, at, kind: kindOf(one), share: shares?.get(one.e) }));
      const small = all.length <= FEW;
      show(few.node, small && all.length > 0);
      show(many.node, !small);
      (small ? few : many).update(all);
    },
  };
}

const worstFirst = (one, other) => SEVERITY[other.kind] - SEVERITY[one.kind] || one.at - other.at;

function tiles(serviceName, details) {
  const node = h("ul", { class: "tiles" });
  return {
    node,
    update(all) {
      each(node, [...all].sort(worstFirst), (one) => one.e, (one) => {
        const [mark, state, zone, bars] = [h("span", {}), h("span", { class: "state" }), h("span", { class: "zone" }), windowBars()];
        const numbers = ["latency", "inFlight", "share"].map((name) => {
          const value = h("b", {});
          return { value, node: h("span", {}, value, h("i", {}, t(name))) };
        });
        const button = h("button", { type: "button", class: "tile", onclick: () => details.open(serviceName, one.e) },
          h("span", { class: "tile-head" }, mark, h("strong", {}, one.e), zone), state,
          h("span", { class: "tile-numbers" }, numbers.map((number) => number.node), bars.node));
        let kind = null;
        return {
          node: h("li", {}, button),
          update(now) {
            if (kind !== now.kind) mark.replaceChildren(icon((kind = now.kind)));
            put(button, "data-kind", kind);
            say(state, stateWords(now, kind));
            say(zone, [now.z, now.wt !== undefined && t("weightIs", now.wt)].filter(Boolean).join(" · "));
            [millis(now.ms), count(now.i ?? 0), percent(now.share)].forEach((text, at) => say(numbers[at].value, text));
            bars.update(now.c);
          },
        };
      });
    },
  };
}

const SORTS = {
  trouble: worstFirst,
  latency: (one, other) => (other.ms ?? -1) - (one.ms ?? -1),
  inFlight: (one, other) => (other.i ?? 0) - (one.i ?? 0) || one.at - other.at,
  share: (one, other) => (other.share ?? 0) - (one.share ?? 0),
  name: (one, other) => one.e.localeCompare(other.e, undefined, { numeric: true }),
};

function cells(serviceName, details) {
  let all = [];
  let current = null;
  const draw = () => paint();
  const filter = h("input", { type: "search", placeholder: t("filter"), "aria-label": t("filterLabel"), oninput: draw });
  const sort = h("select", { "aria-label": t("sortLabel"), onchange: draw }, Object.keys(SORTS).map((name) => h("option", { value: name }, t(`sort_${name}`))));
  const only = h("input", { type: "checkbox", onchange: draw });
  const shown = h("span", { class: "dim" });
  const legend = h("ul", { class: "legend" });
  const node = h("div", { class: "many" },
    h("div", { class: "tools" }, filter, sort, h("label", {}, only, " ", t("onlyTrouble")), shown),
    h("ul", { class: "cells", "aria-label": t("cellsLabel"), onkeydown: walk, onfocusin: (event) => hold(event.target) }),
    legend);
  const grid = node.children[1];

  // One stop for the tabulator; the arrows walk.
  function hold(button) {
    if (!button.matches("button")) return;
    grid.querySelectorAll("button[tabindex='0']").forEach((one) => one !== button && put(one, "tabindex", "-1"));
    put(button, "tabindex", "0");
    current = button.dataset.e;
  }

  function walk(event) {
    const buttons = [...grid.querySelectorAll("button")];
    const at = buttons.indexOf(event.target);
    if (at < 0) return;
    const top = event.target.offsetTop;
    const wide = Math.max(1, buttons.filter((one) => one.offsetTop === buttons[0].offsetTop).length);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + wide, ArrowUp: at - wide, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined || Number.isNaN(top)) return;
    event.preventDefault();
    buttons[Math.min(buttons.length - 1, Math.max(0, to))].focus();
  }

  function paint() {
    const wanted = filter.value.trim().toLowerCase();
    const matching = all.filter((one) => (!wanted || one.e.toLowerCase().includes(wanted) || one.z?.toLowerCase().includes(wanted)) && (!only.checked || SEVERITY[one.kind] > 1));
    matching.sort(SORTS[sort.value]);
    const times = all.map((one) => one.ms).filter((ms) => ms > 0).sort((one, other) => one - other);
    const low = times[Math.floor(times.length * 0.1)] ?? 1;
    const high = Math.max(low * 4, times[Math.floor(times.length * 0.98)] ?? 1);
    const heat = (ms) => (ms > 0 ? Math.min(1, Math.max(0, Math.log(ms / low) / Math.log(high / low))) : 0);
    each(grid, matching, (one) => one.e, (one) => cell(one, heat));
    for (const one of matching) grid.parts.get(one.e).paint(one, heat);
    if (!matching.some((one) => one.e === current)) current = matching[0]?.e ?? null;
    if (current !== null) put(grid.parts.get(current).button, "tabindex", "0");
    say(shown, t("shownOf", matching.length, all.length));
    const kinds = [...new Set(all.map((one) => one.kind))].filter((kind) => kind !== "usable").sort((one, other) => SEVERITY[other] - SEVERITY[one]);
    each(legend, [...kinds, "usable"], (kind) => kind, (kind) => {
      const words = h("span", {});
      return {
        node: h("li", { "data-kind": kind }, kind === "usable" ? h("span", { class: "heat", "aria-hidden": "true" }) : icon(kind), words),
        update: () => say(words, kind === "usable" ? t("heat", millis(low), millis(high)) : `${t(`kind_${kind}`)} ${count(all.filter((one) => one.kind === kind).length)}`),
      };
    });
  }

  function cell(one) {
    const [text, load] = [h("span", {}), h("span", { class: "load" })];
    const button = h("button", { type: "button", class: "cell", tabindex: "-1", "data-e": one.e, onclick: () => details.open(serviceName, one.e) }, text, load);
    let kind = null;
    return {
      node: h("li", {}, button),
      button,
      paint(now, heat) {
        const usable = now.kind === "usable" || now.kind === "ramp";
        if (kind !== now.kind) {
          text.replaceChildren(usable ? "" : icon(now.kind));
          kind = now.kind;
          put(button, "data-kind", kind);
        }
        if (usable) say(text, millis(now.ms).replace("\u00a0ms", ""));
        button.style.setProperty("--heat", heat(now.ms).toFixed(2));
        load.style.setProperty("--load", Math.min(1, (now.i ?? 0) / 4));
        const words = t("cell", now.e, stateWords(now, kind), millis(now.ms), now.i ?? 0);
        put(button, "aria-label", words);
        put(button, "title", words);
      },
    };
  }

  return {
    node,
    update(endpoints) {
      all = endpoints;
      paint();
    },
  };
}
