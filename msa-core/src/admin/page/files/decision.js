// A decision and its reason as a sentence.

import { millis } from "./units.js";
import { t, term } from "./words.js";

export function decisionWords(decision) {
  const reason = term("reasons", decision.reason ?? "");
  const subject = [decision.service, decision.endpoint].filter(Boolean).join(" ");
  const time = millis(decision.time_ms);
  const words = {
    passed_over: () => t("d_passedOver", decision.endpoint, reason),
    retried: () => t("d_retried", decision.attempt, time, term("outcomes", decision.reason ?? "")),
    not_retried: () => t("d_notRetried", decision.attempt, reason),
    hedged: () => t("d_hedged", decision.attempt, time),
    breaker_changed: () => t("d_breaker", subject, term("states", decision.detail ?? ""), reason),
    refused: () => t("d_refused", reason),
    timed_out: () => t("d_timedOut", reason, time),
    fell_back: () => t("d_fellBack", decision.detail ?? "", term("outcomes", decision.reason ?? "")),
    coalesced: () => t("d_coalesced"),
    ejected: () => t("d_ejected", subject, time, reason),
    returned: () => t("d_returned", subject),
    draining: () => t("d_draining", subject),
    panic_mode: () => t("d_panic", decision.service ?? "", decision.reason === "on"),
    shed: () => t("d_shed", decision.detail ?? "", reason),
    fault_injected: () => t("d_fault", decision.reason ?? ""),
    loop_refused: () => t("d_loop"),
    header_rejected: () => t("d_header", decision.reason ?? ""),
  }[decision.what];
  const text = words ? words() : [decision.what, subject, reason].filter(Boolean).join(" ");
  return [text, decision.times > 1 && t("times", decision.times), decision.dark && t("darkOnly")].filter(Boolean).join(" · ");
}
