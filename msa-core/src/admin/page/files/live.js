// The stream of snapshots: read by fetch, since an EventSource cannot send a token; comes back by itself when it was lost.

import { Refused, ask } from "./ask.js";

const LATE = 3500; // three snapshots missed
const HIDDEN = 60000;

export class Live {
  // told(snapshot), and changed(state, why): "connecting", "live", "lost", "locked", "paused".
  constructor(told, changed) {
    this.told = told;
    this.changed = changed;
    this.last = 0;
    this.tries = 0;
    this.running = null;
    document.addEventListener("visibilitychange", () => this.look());
    setInterval(() => this.watch(), 500);
  }

  start() {
    this.stop();
    this.say("connecting");
    const running = (this.running = new AbortController());
    this.read(running.signal).then(
      () => this.again(running, ""),
      (error) => this.again(running, error),
    );
  }

  stop() {
    clearTimeout(this.soon);
    const running = this.running;
    this.running = null;
    running?.abort();
  }

  async read(signal) {
    const answer = await ask("/events", { signal });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      text += value;
      const events = text.split("\n\n");
      text = events.pop();
      for (const event of events) {
        if (!event.startsWith("data: ")) continue;
        this.last = performance.now();
        this.tries = 0;
        this.say("live");
        this.told(JSON.parse(event.slice(6)));
      }
    }
  }

  again(running, error) {
    if (this.running !== running) return;
    this.running = null;
    if (error instanceof Refused && (error.status === 401 || error.status === 403)) {
      this.say("locked", error);
      return;
    }
    this.say("lost", error instanceof Refused ? error.message : "");
    this.tries += 1;
    this.soon = setTimeout(() => this.start(), Math.min(500 * 2 ** this.tries, 5000));
  }

  // A connection that says nothing any more is as good as lost.
  watch() {
    if (this.state === "live" && performance.now() - this.last > LATE) {
      this.say("lost", "");
      if (performance.now() - this.last > 2 * LATE) this.start();
    }
  }

  // Nobody looks: let somebody else watch, and cost nothing.
  look() {
    clearTimeout(this.away);
    if (document.hidden) {
      this.away = setTimeout(() => {
        if (this.state === "locked") return;
        this.stop();
        this.say("paused");
      }, HIDDEN);
    } else if (!this.running && this.state !== "locked") {
      this.start();
    }
  }

  say(state, why = "") {
    // What was lost stays lost until something comes again.
    if (state === "connecting" && (this.state === "lost" || this.state === "locked")) return;
    if (state === this.state && !why && state !== "locked") return;
    this.state = state;
    this.changed(state, why);
  }

  // Milliseconds since the last snapshot.
  age() {
    return this.last ? performance.now() - this.last : 0;
  }
}
