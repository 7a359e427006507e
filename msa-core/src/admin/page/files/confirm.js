// A change by hand is asked about once more, and what came of it is said.

import { ask } from "./ask.js";
import { h, say, tell } from "./dom.js";
import { t } from "./words.js";

// `about`: { service, endpoint }; `done` puts things back.
export function change(about, action, done) {
  const wrong = h("p", { class: "wrong", role: "alert" });
  const whom = about.endpoint ? `${about.service} ${about.endpoint}` : about.service;
  const sure = h("button", { type: "button", class: action === "open" ? "main danger" : "main", onclick: async () => {
    sure.disabled = true;
    try {
      const body = about.endpoint ? { action, endpoint: about.endpoint } : { action };
      await ask(`/circuits/${encodeURIComponent(about.service)}`, { method: "POST", body });
      tell(t(`done_${action}`, whom));
      done();
    } catch (error) {
      say(wrong, t("notDone", error.message));
      sure.disabled = false;
    }
  } }, t(`sure_${action}`));
  return h("div", { class: "confirm", role: "group", "aria-label": t("confirm") },
    h("p", {}, t(`ask_${action}`, whom)), wrong,
    h("div", { class: "row" }, sure, h("button", { type: "button", onclick: done }, t("cancel"))));
}
