// The page where things are not as usual: hundreds of endpoints, names that try to run, a token, a lost connection.

import { accessible, check, equal, holds, live, open, serve, sideways, until } from "./harness.mjs";

// The first event of the stream.
async function event(admin) {
  const stop = new AbortController();
  const answer = await fetch(`http://${admin}/events`, { signal: stop.signal });
  let text = "";
  for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {
    text += piece;
    if (text.includes("\n\n")) break;
  }
  stop.abort();
  return text.split("\n\n")[0];
}

async function crowd() {
  const many = await serve("many");
  await check("three hundred endpoints are seen at once, found, sorted, and walked through with the arrows", async () => {
    const page = await open(many.admin);
    await live(page);
    const cells = page.locator(".cell:visible");
    await until(async () => (await cells.count()) === 300, "300 cells");
    await accessible(page, "300 endpoints");
    const first = await until(() => event(many.admin), "a snapshot");
    holds(first.length < 40_000, `a snapshot of 300 endpoints has ${first.length} characters`);
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
    equal(await page.locator(".live").textContent(), "paused", "the state a while after");
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

export async function unusual() {
  for (const scene of [crowd, hostile, token, lost, hidden, alone]) await scene();
}
