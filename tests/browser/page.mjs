// The admin page in a real browser. Started by tests/page.rs, which says where the programs are.

import { accessible, check, end, equal, holds, live, open, serve, sideways, until } from "./harness.mjs";
import { keyboard } from "./keyboard.mjs";
import { unusual } from "./unusual.mjs";

const words = (page, selector) => page.locator(selector).first().textContent();

async function tongues(few) {
  for (const [locale, heading] of [["en-US", "Inbound requests"], ["ko-KR", "들어오는 요청"]]) {
    for (const colorScheme of ["light", "dark"]) {
      await check(`it loads without a complaint, and is accessible, in ${locale} and ${colorScheme}`, async () => {
        const page = await open(few.admin, { locale, colorScheme });
        await live(page);
        equal(await words(page, ".inbound h2"), heading, "the heading");
        equal(await page.evaluate(() => document.documentElement.lang), locale.slice(0, 2), "the language");
        await accessible(page, "overview");
        await page.goto(`http://${few.admin}/#/settings`);
        await page.locator(".config tbody tr").first().waitFor();
        await accessible(page, "settings");
        await page.goto(`http://${few.admin}/#/txn`);
        await page.locator(".requests a").first().waitFor();
        await accessible(page, "transactions");
        equal(page.complaints, [], "what the browser complained of");
        await page.context().close();
      });
    }
  }
  await check("language and theme can be changed, and stay so", async () => {
    const page = await open(few.admin);
    await live(page);
    await page.getByRole("button", { name: "한국어" }).click();
    await page.getByRole("button", { name: "어둡게" }).click();
    await page.reload();
    await live(page);
    equal(await words(page, ".inbound h2"), "들어오는 요청", "the heading");
    equal(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme), "dark", "the theme");
    await page.context().close();
  });
}

async function alive(few) {
  await check("numbers change by themselves", async () => {
    const page = await open(few.admin);
    await live(page);
    const picture = () => page.locator(".inbound .spark-all").getAttribute("d");
    const before = await until(picture, "a line");
    await until(async () => (await picture()) !== before, "another line");
    await until(async () => (await page.locator(".tile-numbers b").allTextContents()).some((text) => /\d.ms/.test(text)), "a latency");
    equal(page.complaints, [], "what the browser complained of");
    await page.context().close();
  });
  await check("a GTXID that is searched for is drawn with every attempt and its reason", async () => {
    const gtxid = "looked-for-at-three";
    await until(async () => (await fetch(`http://${few.addr}/orders/flaky`, { headers: { "x-gtxid": gtxid } })).status === 200, "an order that went well");
    // One more request of the same transaction: each is drawn by itself.
    await fetch(`http://${few.addr}/orders/flaky`, { headers: { "x-gtxid": gtxid } });
    const page = await open(few.admin);
    await live(page);
    await page.getByRole("searchbox").fill(gtxid);
    await page.keyboard.press("Enter");
    await page.locator(".waterfall").first().waitFor();
    equal(new URL(page.url()).hash, `#/txn/${gtxid}`, "the address");
    const rows = await page.locator(".waterfall .label").allTextContents();
    for (const part of ["shop GET /orders/{id}", "stock-service GET /flaky", "attempt 1", "retried as attempt 2", "503", "attempt 2", "127.0.0.1:"]) {
      holds(rows.some((row) => row.replace(/\s+/g, " ").includes(part)), `no row says ${part}: ${rows.join("\n")}`);
    }
    // What the called process itself knows stands below the attempt.
    holds(rows.some((row) => row.includes("stock-service GET /{what}")), `the called process is missing: ${rows.join("\n")}`);
    const wide = await page.locator(".bar").first().evaluate((bar) => bar.getBoundingClientRect().width);
    holds(wide > 50, "the first bar is as long as the line");
    await accessible(page, "transaction");
    await page.locator("nav a").nth(1).click();
    await page.locator(".requests a").first().click();
    await page.locator(".waterfall").first().waitFor();
    equal(page.complaints, [], "what the browser complained of");
    await page.context().close();
  });
  await check("a GTXID of which nothing is known is answered with the reason", async () => {
    const page = await open(few.admin, { hash: "#/txn/never-was" });
    await page.getByText("keeps nothing of never-was").waitFor();
    await page.context().close();
  });
  await check("a circuit can be opened by hand and reset", async () => {
    const page = await open(few.admin);
    await live(page);
    const card = page.getByRole("article", { name: "user-service" });
    const tile = card.locator(".tile").first();
    const endpoint = await tile.locator("strong").textContent();
    const state = async () => (await (await fetch(`http://${few.admin}/circuits`)).json()).find((one) => one.endpoint === endpoint).state;
    await tile.click();
    await page.getByRole("button", { name: "Open", exact: true }).click();
    await accessible(page, "the question");
    equal(await state(), "closed", "before it was confirmed");
    await page.getByRole("button", { name: "Open the circuit" }).click();
    await until(async () => (await state()) === "forced_open", "the open circuit");
    await page.locator(".detail-state").filter({ hasText: "opened by hand" }).waitFor();
    await page.keyboard.press("Escape");
    await card.locator(".tile[data-kind=open]").filter({ hasText: endpoint }).click();
    await page.getByRole("button", { name: "Reset", exact: true }).click();
    await page.getByRole("button", { name: "Reset the circuit" }).click();
    await until(async () => (await state()) === "closed", "the closed circuit");
    equal(page.complaints, [], "what the browser complained of");
    await page.context().close();
  });
}

async function narrow(few) {
  await check("on a phone nothing scrolls sideways", async () => {
    const { kept, recent } = await (await fetch(`http://${few.admin}/txn?limit=5`)).json();
    const one = [...kept, ...recent][0].gtxid;
    for (const locale of ["en-US", "ko-KR"]) {
      const page = await open(few.admin, { locale, width: 360 });
      await live(page);
      equal(await sideways(page), 0, "overview");
      await page.locator(".tile").first().click();
      equal(await sideways(page), 0, "details");
      for (const [hash, there] of [["#/txn", ".requests a"], [`#/txn/${one}`, ".waterfall .bar"], ["#/settings", ".config td"]]) {
        await page.goto(`http://${few.admin}/${hash}`);
        await page.locator(there).first().waitFor();
        equal(await sideways(page), 0, hash);
      }
      await page.context().close();
    }
  });
}

async function usual() {
  const few = await serve("few");
  await tongues(few);
  await alive(few);
  await keyboard(few);
  await narrow(few);
  await few.kill();
}

await Promise.all([usual(), unusual()]);
await end();
