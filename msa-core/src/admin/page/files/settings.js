// The configuration with its sources, and log levels.

import { ask, askJson } from "./ask.js";
import { each, h, put, say, show } from "./dom.js";
import { span } from "./units.js";
import { t } from "./words.js";

export function settings() {
  let rows = [];
  const body = h("tbody", {});
  const filter = h("input", { type: "search", placeholder: t("filter"), "aria-label": t("filterKeys"), oninput: draw });
  const only = h("input", { type: "checkbox", checked: true, onchange: draw });
  const [wrong, shown] = [h("p", { class: "wrong", role: "alert" }), h("span", { class: "dim" })];
  const levels = loggers();
  const node = h("div", { class: "settings" },
    h("h1", {}, t("settings")),
    h("section", { class: "panel", "aria-label": t("configuration") }, h("h2", {}, t("configuration")), wrong,
      h("div", { class: "tools" }, filter, h("label", {}, only, " ", t("onlyChanged")), shown),
      h("div", { class: "wide", role: "group", "aria-label": t("configuration"), tabindex: "0" },
        h("table", { class: "config" }, h("thead", {}, h("tr", {}, ["key", "value", "source"].map((name) => h("th", { scope: "col" }, t(name))))), body))),
    levels.node);
  function draw() {
    const wanted = filter.value.trim().toLowerCase();
    const matching = rows.filter((row) => (!only.checked || row.source !== "default") && (!wanted || row.key.toLowerCase().includes(wanted)));
    say(shown, t("shownOf", matching.length, rows.length));
    each(body, matching, (row) => row.key, (row) => ({
      node: h("tr", { "data-set": row.source !== "default" }, h("th", { scope: "row" }, h("code", {}, row.key)), h("td", {}, h("code", {}, row.value ?? t("unset"))), h("td", { class: "dim" }, row.source === "default" ? t("default") : row.source)),
    }));
  }
  askJson("/config?format=json").then((config) => {
    rows = config.values;
    say(wrong, config.refused_reload ? t("wrongConfig", config.refused_reload) : "");
    draw();
  }, (error) => say(wrong, error.message));
  return { node };
}

function loggers() {
  const changed = h("ul", { class: "levels" });
  const [about, wrong] = [h("p", {}), h("p", { class: "wrong", role: "alert" })];
  const target = h("input", { id: "target", value: "msa::policy", required: true, spellcheck: "false", autocomplete: "off" });
  const level = h("select", { id: "level" }, ["trace", "debug", "info", "warn", "error", "off"].map((name) => h("option", { selected: name === "debug" }, name)));
  const time = h("select", { id: "time" }, [["10m", 600000], ["1h", 3600000]].map(([value, ms]) => h("option", { value }, span(ms))), h("option", { value: "" }, t("untilRestart")));
  const told = (now) => {
    say(wrong, "");
    say(about, t("logLevel", now.configured));
    each(changed, Object.entries(now.changed), ([name]) => name, ([name]) => {
      const words = h("span", {});
      const back = h("button", { type: "button", onclick: () => send(name, "DELETE") }, t("takeBack"));
      return { node: h("li", {}, h("code", {}, name), " ", words, " ", back), update: ([, one]) => say(words, `${one.level}${one.left_s === undefined ? "" : ` · ${t("stillFor", span(one.left_s * 1000))}`}`) };
    });
    show(changed, Object.keys(now.changed).length > 0);
  };
  async function send(name, method, body) {
    try {
      told(await (await ask(`/loggers/${encodeURIComponent(name)}`, { method, body })).json());
    } catch (error) {
      say(wrong, t("notDone", error.message));
    }
  }
  askJson("/loggers").then(told, (error) => say(wrong, error.message));
  const field = (label, input) => h("span", { class: "field" }, h("label", { for: input.id }, label), input);
  const node = h("section", { class: "panel", "aria-label": t("logLevels") }, h("h2", {}, t("logLevels")), about, changed,
    h("form", { class: "tools", onsubmit: (event) => {
      event.preventDefault();
      send(target.value.trim(), "PUT", time.value ? { level: level.value, for: time.value } : { level: level.value });
    } }, field(t("target"), target), field(t("level"), level), field(t("forTime"), time), h("button", { type: "submit", class: "main" }, t("change"))), wrong);
  put(wrong, "id", "level-wrong");
  return { node };
}
