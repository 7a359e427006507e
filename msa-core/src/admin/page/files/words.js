// What the page says, in the reader's language.

import en from "./en.js";
import ko from "./ko.js";
import { kept, keep } from "./ask.js";

const ALL = { en, ko };
let now = ALL[kept("language")] ? kept("language") : (navigator.language ?? "").toLowerCase().startsWith("ko") ? "ko" : "en";

export const language = () => now;
export const other = () => (now === "ko" ? "en" : "ko");

export function speak(language) {
  now = language;
  keep("language", language);
  document.documentElement.lang = language;
}

// A sentence by its name; what it is about goes in as it is, for it becomes text and never markup.
export function t(name, ...about) {
  const words = ALL[now][name] ?? en[name];
  return typeof words === "function" ? words(...about) : words;
}

// A word of the service's own, such as a reason, in the reader's language where there is one for it.
export function term(kind, word) {
  return ALL[now][kind]?.[word] ?? word;
}
