// Everything that can be clicked can be reached by the tabulator, or by the arrows within what is one stop, and shows where the focus is.

import { check, equal, holds, live, open } from "./harness.mjs";

// Names the element with the focus, and whether one sees that it has it.
function focused() {
  const one = document.activeElement;
  const style = getComputedStyle(one);
  one.dataset.reached = "yes";
  return { is: one === document.body ? "" : `${one.tagName} ${one.textContent.slice(0, 40)}`, seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 };
}

function missed() {
  const all = [...document.querySelectorAll("button, a[href], input, select, summary, [tabindex='0']")];
  const due = all.filter((one) => one.checkVisibility() && one.tabIndex >= 0 && !one.disabled);
  return due.filter((one) => !one.dataset.reached).map((one) => one.outerHTML.slice(0, 120));
}

export async function keyboard(few) {
  for (const hash of ["", "#/txn", "#/settings"]) {
    await check(`the keyboard reaches everything of ${hash || "#/"}`, async () => {
      const page = await open(few.admin, { hash });
      if (hash === "") await live(page);
      else await page.locator(hash === "#/txn" ? ".requests a" : ".config td").first().waitFor();
      // Lists that change while one walks through them prove nothing of the way.
      await page.evaluate(() => (document.querySelectorAll(".requests").forEach((list) => (list.replaceChildren(...[...list.children].slice(0, 3)))), 0));
      await page.context().setOffline(true);
      let unseen = [];
      let empty = 0;
      for (let step = 0; step < 400 && empty < 2; step += 1) {
        await page.keyboard.press("Tab");
        const { is, seen } = await page.evaluate(focused);
        if (is === "") empty += 1;
        else if (!seen) unseen.push(is);
      }
      equal(unseen, [], "where the focus was not to be seen");
      equal(await page.evaluate(missed), [], "what was not reached");
      await page.context().close();
    });
  }
  await check("the first stop leads to the content", async () => {
    const page = await open(few.admin);
    await live(page);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    holds(await page.evaluate(() => document.activeElement.id === "main"), "the focus is in the content");
    await page.context().close();
  });
}
