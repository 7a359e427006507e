// What the checks of the admin page stand on: services, a browser, and one line for each rule that holds or does not.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const { PAGE_DEMO, CHROMIUM, NODE_FOLDER } = process.env;
const load = createRequire(join(NODE_FOLDER, "package.json"));
const { chromium } = load("playwright-core");
const AXE = readFileSync(load.resolve("axe-core/axe.min.js"), "utf8");

// Generous: it only ends what has failed already.
export const PATIENCE = 60_000;
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

const children = new Set();
let browser = null;
let failed = 0;

// A rule, and whether it holds.
export async function check(rule, proof) {
  try {
    await proof();
    console.log(`ok: ${rule}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED: ${rule}\n${error.stack}`);
  }
}

export function equal(seen, wanted, what = "") {
  if (JSON.stringify(seen) !== JSON.stringify(wanted)) throw new Error(`${what} is ${JSON.stringify(seen)} and not ${JSON.stringify(wanted)}`);
}

export function holds(is, what) {
  if (!is) throw new Error(what);
}

// Waits until the question is answered with something.
export async function until(question, what) {
  const end = Date.now() + PATIENCE;
  while (Date.now() < end) {
    const answer = await question();
    if (answer) return answer;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`never came: ${what}`);
}

// Starts the demonstration of this name; `settings` are environment variables.
export async function serve(scene, settings = {}) {
  const child = spawn(PAGE_DEMO, [scene], { env: { ...process.env, MSA_ADMIN__ADDR: "127.0.0.1:0", ...settings }, stdio: ["ignore", "pipe", "inherit"] });
  children.add(child);
  const ended = new Promise((resolve) => child.once("exit", resolve));
  let text = "";
  const line = await new Promise((resolve, reject) => {
    child.stdout.on("data", (piece) => {
      text += piece;
      if (text.includes("\n")) resolve(text.split("\n")[0]);
    });
    child.once("exit", (code) => reject(new Error(`page-demo ${scene} ended with ${code}`)));
  });
  const { addr, admin } = JSON.parse(line);
  const kill = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  return { addr, admin: admin.replace("0.0.0.0", "127.0.0.1"), kill };
}

// Opens the page as somebody who has never been there.
export async function open(admin, { locale = "en-US", colorScheme = "light", width = 1280, hash = "" } = {}) {
  browser ??= await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  const context = await browser.newContext({ locale, colorScheme, viewport: { width, height: 800 } });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.complaints = [];
  page.on("console", (message) => message.type() === "error" && page.complaints.push(message.text()));
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  await page.goto(`http://${admin}/${hash}`);
  return page;
}

// Waits for numbers: the second snapshot makes the first rates.
export async function live(page) {
  await page.locator(".live[data-kind=good]").waitFor();
  await page.locator(".inbound .stat dd").first().filter({ hasText: /\d/ }).waitFor();
}

// What a screen reader's user would stumble over.
export async function accessible(page, where) {
  await page.evaluate(AXE);
  const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  const grave = found.violations.filter((one) => ["serious", "critical", "moderate"].includes(one.impact));
  const words = grave.map((one) => `${one.impact} ${one.id}: ${one.help}\n  ${one.nodes.slice(0, 3).map((node) => `${node.html} ${node.failureSummary}`).join("\n  ")}`);
  holds(words.length === 0, `${where}:\n${words.join("\n")}`);
}

export const sideways = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

export async function end() {
  await browser?.close();
  for (const child of children) child.kill("SIGKILL");
  console.log(failed === 0 ? "all rules hold" : `${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}
