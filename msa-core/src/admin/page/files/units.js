// Numbers for people, in their language.

import { language } from "./words.js";

const formats = new Map();

function number(value, digits) {
  const name = `${language()}${digits}`;
  if (!formats.has(name)) {
    formats.set(name, new Intl.NumberFormat(language(), { maximumFractionDigits: digits, minimumFractionDigits: 0 }));
  }
  return formats.get(name).format(value);
}

const NONE = "–";
const known = (value) => value !== null && value !== undefined && Number.isFinite(value);

export const count = (value) => (known(value) ? number(value, 0) : NONE);

export const rate = (value) => (known(value) ? number(value, value < 10 ? 1 : 0) : NONE);

export function percent(share) {
  if (!known(share)) return NONE;
  const value = share * 100;
  return `${value > 0 && value < 0.1 ? "<0.1" : number(value, value < 10 ? 1 : 0)}%`;
}

export function millis(ms) {
  if (ms === Infinity) return ">10 s";
  if (!known(ms)) return NONE;
  if (ms < 0) return `<${millis(-ms)}`;
  if (ms >= 999.5) return `${number(ms / 1000, ms < 9995 ? 2 : 1)}\u00a0s`;
  return `${number(ms, ms < 9.95 ? 1 : 0)}\u00a0ms`;
}

const UNITS = {
  en: ["\u00a0d", "\u00a0h", "\u00a0min", "\u00a0s", "\u00a0"],
  ko: ["일", "시간", "분", "초", "\u00a0"],
};

// A span of time, with its two greatest units.
export function span(ms) {
  if (!known(ms)) return NONE;
  const [d, hour, min, s, gap] = UNITS[language()];
  let left = Math.max(0, Math.round(ms / 1000));
  const parts = [];
  for (const [unit, size] of [[d, 86400], [hour, 3600], [min, 60], [s, 1]]) {
    const n = Math.floor(left / size);
    left -= n * size;
    if (n > 0 || parts.length > 0) parts.push([n, unit]);
  }
  if (parts.length === 0) return `0${s}`;
  return parts.slice(0, 2).filter(([n], at) => at === 0 || n > 0).map(([n, unit]) => `${n}${unit}`).join(gap);
}

export function clock(at) {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return String(at);
  const two = (n) => String(n).padStart(2, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
