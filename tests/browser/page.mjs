// The admin page in a real browser. Started by tests/page.rs, which says where the programs are.

import { accessible, check, end, equal, holds, live, open, serve, sideways, until } from "./harness.mjs";
import { keyboard } from "./keyboard.mjs";

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

async function crowd() {
  const many = await serve("many");
  await check("three hundred endpoints are seen at once, found, sorted, and walked through with the arrows", async () => {
    const page = await open(many.admin);
    await live(page);
    const cells = page.locator(".cell:visible");
    await until(async () => (await cells.count()) === 300, "300 cells");
    await accessible(page, "300 endpoints");
    const card = page.getByRole("article", { name: "catalog-service" });
    await card.getByRole("searchbox").fill("127.0.2.4");
    await until(async () => (await cells.count()) < 30, "fewer cells");
    await card.getByRole("searchbox").fill("");
    await card.getByRole("combobox").selectOption("name");
    await until(async () => (await cells.first().getAttribute("data-e")).startsWith("127.0.1.1:"), "the first by name");
    await cells.first().focus();
    for (const key of ["ArrowRight", "ArrowRight", "ArrowLeft"]) await page.keyboard.press(key);
    const name = () => page.evaluate(() => document.activeElement.dataset.e);
    holds((await name()).startsWith("127.0.1.2:"), "the arrows walk");
    await page.keyboard.press("Enter");
    await page.locator("dialog h2").filter({ hasText: "127.0.1.2:" }).waitFor();
    await page.keyboard.press("Escape");
    await until(async () => (await name())?.startsWith("127.0.1.2:"), "the focus where it was");
    equal(page.complaints, [], "what the browser complained of");
    await page.context().close();
    const phone = await open(many.admin, { width: 360 });
    await live(phone);
    equal(await sideways(phone), 0, "on a phone");
    await phone.context().close();
  });
  await many.kill();
}

async function hostile() {
  const shop = await serve("hostile");
  await check("names that try to run are text", async () => {
    const page = await open(shop.admin);
    await live(page);
    const all = async (where) => {
      equal(await page.evaluate(() => window.ran ?? null), null, `what ran in ${where}`);
      equal(await page.locator("img").count(), 1, `pictures in ${where}`);
    };
    await page.getByText("<img src=x").first().waitFor();
    await page.locator(".inbound summary").click();
    await page.locator(".inbound tbody").getByText("<img src=x").waitFor();
    await all("overview");
    await page.locator(".tile").first().click();
    await page.locator("dialog").getByText("<img src=x").first().waitFor();
    await all("details");
    await page.keyboard.press("Escape");
    await page.locator(".policy").click();
    await page.locator("dialog h2").filter({ hasText: "<img src=x" }).waitFor();
    await page.getByRole("button", { name: "Open", exact: true }).click();
    await page.getByRole("button", { name: "Open the circuit" }).click();
    await page.locator(".policy[data-kind=open]").waitFor();
    await page.keyboard.press("Escape");
    await page.goto(`http://${shop.admin}/#/settings`);
    await page.locator(".config").getByText("<img src=x").first().waitFor();
    await all("settings");
    await page.goto(`http://${shop.admin}/#/txn`);
    await page.locator(".requests").getByText("<img src=x").first().click();
    await page.locator(".waterfall").getByText("<img src=x").first().waitFor();
    await all("transaction");
    await page.goto(`http://${shop.admin}/#/txn/${encodeURIComponent("<img src=x onerror=window.ran=1>")}`);
    await page.locator(".found .panel").waitFor();
    await all("search");
    await page.context().close();
  });
  await shop.kill();
}

async function token() {
  const shop = await serve("few", { MSA_ADMIN__ADDR: "0.0.0.0:0", MSA_ADMIN__TOKEN: "s3cret" });
  await check("off the loopback interface the page asks for the token, and says when it is wrong", async () => {
    equal((await fetch(`http://${shop.admin}/events`)).status, 401, "the stream without a token");
    const page = await open(shop.admin);
    await page.getByLabel("Token").fill("wrong");
    await accessible(page, "the form");
    await page.getByRole("button", { name: "Unlock" }).click();
    await page.getByText("That is not the token.").waitFor();
    await page.getByLabel("Token").fill("s3cret");
    await page.getByRole("button", { name: "Unlock" }).click();
    await live(page);
    await page.reload();
    await live(page);
    equal(await page.evaluate(() => JSON.stringify({ ...localStorage }).includes("s3cret") || document.cookie.includes("s3cret")), false, "whether it is kept for longer than the tab");
    await page.context().close();
    const stranger = await open(shop.admin);
    await stranger.getByLabel("Token").waitFor();
    await stranger.context().close();
  });
  await shop.kill();
}

async function lost() {
  const first = await serve("few");
  await check("a lost connection is told, and comes back by itself", async () => {
    const page = await open(first.admin);
    await live(page);
    await first.kill();
    await page.getByText("The connection is lost.").waitFor();
    await page.getByText(/What you see is \d+.s old/).waitFor();
    await accessible(page, "without a connection");
    const second = await serve("few", { MSA_ADMIN__ADDR: first.admin });
    await live(page);
    equal(await page.locator(".banner").isVisible(), false, "the banner");
    await page.context().close();
    await second.kill();
  });
}

async function hidden() {
  const shop = await serve("few");
  await check("a page that nobody looks at does not watch, and does again when somebody comes back", async () => {
    const page = await open(shop.admin);
    await live(page);
    await page.clock.install();
    const turn = (away) => page.evaluate((is) => {
      Object.defineProperty(document, "hidden", { value: is, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, away);
    await turn(true);
    await page.clock.runFor(61_000);
    await page.locator(".live").filter({ hasText: "paused" }).waitFor();
    await page.clock.runFor(20_000);
    equal(await words(page, ".live"), "paused", "the state a while after");
    await turn(false);
    await page.locator(".live[data-kind=good]").waitFor();
    await page.context().close();
  });
  await shop.kill();
}

async function alone() {
  const clock = await serve("alone");
  await check("a service that calls nobody says so", async () => {
    const page = await open(clock.admin);
    await live(page);
    await page.getByText("has called nobody so far").waitFor();
    await accessible(page, "alone");
    equal(page.complaints, [], "what the browser complained of");
    await page.context().close();
  });
  await clock.kill();
}

async function usual() {
  const few = await serve("few");
  await tongues(few);
  await alive(few);
  await keyboard(few);
  await narrow(few);
  await few.kill();
}

async function unusual() {
  for (const scene of [crowd, hostile, token, lost, hidden, alone]) await scene();
}

await Promise.all([usual(), unusual()]);
await end();
