// The page: its frame, what is shown in it, and the stream that keeps it true.

import { giveToken, hasToken, keep, kept, whenLocked } from "./ask.js";
import { h, put, say, show } from "./dom.js";
import { History } from "./history.js";
import { Live } from "./live.js";
import { overview } from "./overview.js";
import { settings } from "./settings.js";
import { transaction, transactions } from "./transactions.js";
import { span } from "./units.js";
import { language, other, speak, t } from "./words.js";

const history = new History();
let snapshot = null;
let view = null;
let frame = null;
let state = "connecting";
let locked = false;
let why = "";

const dark = () => {
  const chosen = kept("theme");
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
};

function paint() {
  put(document.documentElement, "data-theme", kept("theme"));
}

function build() {
  speak(language());
  paint();
  const name = h("span", { class: "name" }, "msa");
  const version = h("span", { class: "version" });
  const phase = h("span", { class: "pill" });
  const live = h("span", { class: "pill live" });
  const search = h("input", {
    type: "search", id: "search", autocomplete: "off", spellcheck: "false", maxlength: "64", placeholder: "GTXID", "aria-label": t("searchLabel"),
  });
  const link = (to, words) => h("a", { href: to }, words);
  const links = [link("#/", t("overview")), link("#/txn", t("transactions")), link("#/settings", t("settings"))];
  const theme = h("button", { type: "button", class: "quiet", onclick: turn }, t(dark() ? "toLight" : "toDark"));
  const banner = h("p", { class: "banner", role: "status", hidden: true });
  const since = h("span", { "aria-hidden": "true" });
  const main = h("main", { id: "main", tabindex: "-1" });
  const said = h("p", { class: "unseen", role: "status", id: "said" });
  function turn() {
    keep("theme", dark() ? "light" : "dark");
    paint();
    say(theme, t(dark() ? "toLight" : "toDark"));
  }
  document.body.replaceChildren(
    h("a", { class: "skip", href: "#main", onclick: (event) => { event.preventDefault(); main.focus(); } }, t("skip")),
    h("header", {},
      h("div", { class: "who" }, h("a", { href: "#/", class: "home" }, h("img", { src: "/page/icon.svg", alt: "", width: "24", height: "24" }), name), version, phase, live),
      h("nav", { "aria-label": t("pages") }, links),
      h("form", { role: "search", class: "search", onsubmit: (event) => {
        event.preventDefault();
        const gtxid = search.value.trim();
        if (gtxid) location.hash = `#/txn/${encodeURIComponent(gtxid)}`;
      } }, search, h("button", { type: "submit" }, t("find"))),
      h("div", { class: "choices" },
        h("button", { type: "button", class: "quiet", lang: other(), onclick: () => { speak(other()); build(); } }, t("otherLanguage")),
        theme),
    ),
    banner,
    main,
    said,
  );
  frame = { name, version, phase, live, links, banner, since, main };
  go();
}

// Shows what the address names.
function go() {
  view?.close?.();
  const [, place, what] = location.hash.split("/");
  const decoded = (text) => {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  };
  if (locked) view = lock();
  else if (place === "txn" && what) view = transaction(decoded(what));
  else if (place === "txn") view = transactions();
  else if (place === "settings") view = settings();
  else view = overview();
  const here = place === "txn" ? 1 : place === "settings" ? 2 : 0;
  frame.links.forEach((link, at) => put(link, "aria-current", at === here && "page"));
  frame.main.replaceChildren(view.node);
  update();
}

// The form for the token; it stays in this tab and goes nowhere but here.
function lock() {
  const token = h("input", { type: "password", id: "token", autocomplete: "off", required: true });
  const wrong = why?.status === 403 ? why.message : hasToken() ? t("wrongToken") : "";
  const node = h("section", { class: "panel lock" },
    h("h1", {}, t("locked")),
    h("p", {}, t("lockedWhy")),
    h("form", { onsubmit: (event) => {
      event.preventDefault();
      giveToken(token.value);
      live.start();
    } },
    h("label", { for: "token" }, t("token")), token,
    wrong && h("p", { class: "wrong", role: "alert" }, wrong),
    h("button", { type: "submit", class: "main" }, t("unlock"))));
  setTimeout(() => token.focus());
  return { node };
}

function update() {
  const { name, version, phase, banner, since, main } = frame;
  document.title = snapshot ? `${snapshot.name} · msa` : "msa";
  const lost = state === "lost";
  main.classList.toggle("stale", lost);
  show(banner, lost);
  if (lost) {
    const words = t("lost", why);
    if (banner.dataset.words !== words) {
      banner.dataset.words = words;
      banner.replaceChildren(h("strong", {}, words), " ", since);
    }
    say(since, live.last ? t("stale", span(live.age())) : "");
  } else {
    banner.dataset.words = "";
  }
  say(frame.live, t(`live_${state}`));
  put(frame.live, "data-kind", state === "live" ? "good" : state === "lost" ? "bad" : "note");
  if (!snapshot) return;
  say(name, snapshot.name);
  say(version, [snapshot.version, t("up", span(snapshot.up))].filter(Boolean).join(" · "));
  const ready = snapshot.phase === "ready" && snapshot.ready;
  say(phase, t(snapshot.phase === "ready" && !snapshot.ready ? "phase_unready" : `phase_${snapshot.phase}`));
  put(phase, "data-kind", lost ? null : ready ? "good" : "bad");
  view?.update?.(snapshot, history);
}

const live = new Live(
  (next) => {
    snapshot = next;
    history.add(next);
    update();
  },
  (next, reason) => {
    const moves = next === "locked" || (next === "live" && locked);
    state = next;
    why = reason;
    if (moves) locked = next === "locked";
    if (moves) go();
    else update();
  },
);

whenLocked(() => {
  live.stop();
  live.say("locked");
});
addEventListener("hashchange", () => {
  go();
  frame.main.focus({ preventScroll: true });
  scrollTo(0, 0);
});
setInterval(() => state === "lost" && update(), 1000);
build();
live.start();
