// Small pictures: lines, bars of a window, gauges. Each says in words what it shows.

import { h, put, say, svg } from "./dom.js";
import { count, rate } from "./units.js";
import { t } from "./words.js";

const LEAST = 30; // seconds that a line shows at least
const BUCKETS = 10; // and a window
const HIGH = 28;

// A line of the last seconds, two minutes at most; what failed of it is drawn below.
export function sparkline() {
  const all = svg("path", { class: "spark-all" });
  const bad = svg("path", { class: "spark-bad" });
  const title = svg("title", {});
  const node = svg("svg", { class: "spark", preserveAspectRatio: "none", role: "img" }, title, all, bad);
  const area = (values, top, wide) => {
    const at = (index) => wide - (values.length - 1 - index);
    const high = (value) => (HIGH - 1 - (HIGH - 3) * (value / top)).toFixed(1);
    const points = values.map((value, index) => `${at(index)} ${high(value)}`);
    return `M${at(0)} ${HIGH}L${points.join("L")}L${wide} ${HIGH}Z`;
  };
  return {
    node,
    update(line) {
      const top = Math.max(1, ...line.map((one) => one.n));
      const drawn = line.length > 1;
      const wide = Math.max(LEAST, line.length - 1);
      put(node, "viewBox", `0 0 ${wide} ${HIGH}`);
      put(all, "d", drawn ? area(line.map((one) => one.n), top, wide) : "");
      put(bad, "d", drawn && line.some((one) => one.bad > 0) ? area(line.map((one) => one.bad), top, wide) : "");
      const last = line.at(-1);
      say(title, last ? t("sparkline", rate(last.n), rate(last.bad), rate(top)) : t("noLine"));
    },
  };
}

// The buckets of a breaker's window, the oldest on the left: what went well above, what failed below in full, slow as a line.
export function windowBars() {
  const bars = svg("g", {});
  const title = svg("title", {});
  const node = svg("svg", { class: "bars", preserveAspectRatio: "none", role: "img" }, title, bars);
  return {
    node,
    update(circuit) {
      const buckets = circuit?.w ?? [];
      const top = Math.max(1, ...buckets.map(([ok, bad]) => ok + bad));
      const before = Math.max(0, BUCKETS - buckets.length);
      put(node, "viewBox", `0 0 ${(before + buckets.length) * 6} 24`);
      while (bars.childNodes.length < buckets.length * 3) bars.append(svg("rect", { width: 5 }));
      while (bars.childNodes.length > buckets.length * 3) bars.lastChild.remove();
      buckets.forEach(([ok, bad, slow], at) => {
        const up = (n) => (n > 0 ? Math.max(1.5, (n / top) * 22) : 0);
        const [badHigh, okHigh, slowHigh] = [up(bad), up(ok), up(slow)];
        const draw = (place, kind, y, height) => {
          const bar = bars.childNodes[at * 3 + place];
          put(bar, "class", kind);
          put(bar, "x", (before + at) * 6);
          put(bar, "y", y.toFixed(1));
          put(bar, "height", height.toFixed(1));
        };
        draw(0, "bar-ok", 23 - badHigh - okHigh, okHigh);
        draw(1, "bar-bad", 23 - badHigh, badHigh);
        draw(2, "bar-slow", 23 - slowHigh, slow > 0 ? 1 : 0);
      });
      const [n, bad, slow] = circuit?.n ?? [0, 0, 0];
      say(title, t("window", count(n), count(bad), count(slow), buckets.length, (circuit?.len ?? 0) / 1000));
    },
  };
}

// How much of something is there; a number beside it says it, too.
export function gauge(label) {
  const bar = h("span", { class: "gauge-bar" });
  const words = h("span", { class: "gauge-words" });
  const node = h("span", { class: "gauge" }, h("span", { class: "gauge-label" }, label), h("span", { class: "gauge-track", "aria-hidden": "true" }, bar), words);
  return {
    node,
    update(share, text, bad) {
      bar.style.setProperty("--share", Math.min(1, Math.max(0, share ?? 0)));
      bar.classList.toggle("bad", Boolean(bad));
      say(words, text);
    },
  };
}
