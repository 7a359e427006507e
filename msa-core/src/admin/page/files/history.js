// Rates and percentiles: differences of the counters in snapshots. What is told is of the last ten seconds, lines are of two minutes.

const KEPT = 11;
const LINE = 120;
const WINDOW = 10000;

const sum = (numbers) => numbers.reduce((whole, one) => whole + one, 0);
const minus = (now, then) => now.map((one, at) => one - (then?.[at] ?? 0));

// The value that so large a share of a histogram stays below: within a bucket values are taken as evenly spread. Of the first bucket
// only its end is known, told as a negative number: below it.
export function percentile(buckets, bounds, share) {
  const all = sum(buckets);
  if (all <= 0) return null;
  let left = all * share;
  for (let at = 0; at < buckets.length; at += 1) {
    if (left <= buckets[at] && buckets[at] > 0) {
      if (at === bounds.length) return Infinity;
      if (at === 0) return -bounds[0];
      const from = bounds[at - 1];
      return from + (bounds[at] - from) * (left / buckets[at]);
    }
    left -= buckets[at];
  }
  return Infinity;
}

const bad = (outcome) => (/^\d+$/.test(outcome) ? Number(outcome) >= 500 : outcome !== "cancelled");
const failures = (calls) => sum((calls?.outcomes ?? []).filter(([outcome]) => bad(outcome)).map(([, n]) => n));

const ofServer = (snapshot) => {
  const routes = snapshot.server.routes;
  return { n: sum(routes.map((route) => sum(route.took))), bad: sum(routes.map((route) => route.failed)) };
};
const ofCalls = (calls) => ({ n: sum(calls?.took ?? []), bad: failures(calls) });

export class History {
  constructor() {
    this.snapshots = [];
    this.lines = new Map();
  }

  add(snapshot) {
    const last = this.snapshots.at(-1);
    // Another process counts from zero again.
    if (last && last.instance !== snapshot.instance) {
      this.snapshots = [];
      this.lines.clear();
    }
    const before = this.snapshots.at(-1);
    this.snapshots.push(snapshot);
    if (this.snapshots.length > KEPT) this.snapshots.shift();
    if (!before) return;
    this.draw("server", snapshot, before, ofServer(snapshot), ofServer(before));
    for (const service of snapshot.services) {
      const then = before.services.find((one) => one.name === service.name);
      this.draw(`service ${service.name}`, snapshot, before, ofCalls(service.calls), ofCalls(then?.calls));
    }
  }

  draw(name, snapshot, before, now, then) {
    const seconds = Math.max(0.05, (snapshot.at - before.at) / 1000);
    const line = this.lines.get(name) ?? [];
    line.push({ n: Math.max(0, now.n - then.n) / seconds, bad: Math.max(0, now.bad - then.bad) / seconds });
    if (line.length > LINE) line.shift();
    this.lines.set(name, line);
  }

  line(name) {
    return this.lines.get(name) ?? [];
  }

  // The snapshot that the last one is compared with.
  base() {
    const last = this.snapshots.at(-1);
    const base = this.snapshots.find((one) => last.at - one.at <= WINDOW + 500);
    return base === last ? null : base;
  }

  compared(now, then, took, tookThen) {
    const last = this.snapshots.at(-1);
    const base = this.base();
    if (!base) return {};
    const seconds = (last.at - base.at) / 1000;
    const n = now.n - then.n;
    const buckets = minus(took, tookThen);
    return {
      rate: n / seconds,
      share: n > 0 ? (now.bad - then.bad) / n : null,
      bad: (now.bad - then.bad) / seconds,
      p50: percentile(buckets, last.bounds, 0.5),
      p99: percentile(buckets, last.bounds, 0.99),
    };
  }

  server() {
    const [last, base] = [this.snapshots.at(-1), this.base()];
    if (!base) return {};
    const all = (snapshot) => snapshot.bounds.concat(0).map((_, at) => sum(snapshot.server.routes.map((route) => route.took[at] ?? 0)));
    const seconds = (last.at - base.at) / 1000;
    return {
      ...this.compared(ofServer(last), ofServer(base), all(last), all(base)),
      sheds: (last.server.sheds - base.server.sheds) / seconds,
    };
  }

  route(route) {
    const then = this.base()?.server.routes.find((one) => one.route === route.route && one.method === route.method);
    const of = (one) => ({ n: sum(one?.took ?? []), bad: one?.failed ?? 0 });
    return this.compared(of(route), of(then), route.took, then?.took);
  }

  service(service) {
    const then = this.base()?.services.find((one) => one.name === service.name);
    const calls = service.calls;
    const seconds = (this.snapshots.at(-1).at - (this.base()?.at ?? 0)) / 1000;
    const of = (name) => (this.base() && calls ? (calls[name] - (then?.calls?.[name] ?? 0)) / seconds : null);
    const picks = new Map((then?.endpoints ?? []).map((one) => [one.e, one]));
    const picked = service.endpoints.map((one) => (one.n ?? 0) - (picks.get(one.e)?.n ?? 0));
    const all = sum(picked);
    return {
      ...this.compared(ofCalls(calls), ofCalls(then?.calls), calls?.took ?? [], then?.calls?.took),
      retries: of("retries"),
      hedges: of("hedges"),
      refused: of("refused"),
      timeouts: of("timeouts"),
      fallbacks: of("fallbacks"),
      shares: new Map(service.endpoints.map((one, at) => [one.e, all > 0 ? picked[at] / all : null])),
    };
  }
}
