import type { ExecutionContext } from "ava";
import type { Page } from "playwright-core";
import { openFile } from "../../helpers/browser.js";
import { type MadeUpComparison, madeUpComparison, pageOf } from "../../helpers/comparison-input.js";
import { assertAccessible, EVIL, type PageContext, testPage } from "../../helpers/page-test.js";

async function opened(t: ExecutionContext<PageContext>, asked: MadeUpComparison = {}) {
  const made = await madeUpComparison(asked);
  return { result: made.comparison.result, ...(await openFile(t, t.context.browser, await pageOf(made))) };
}

const cellNamed = (page: Page, a: number, b: number) =>
  page.locator(`[role=gridcell][aria-label^="A predicts ${a}, B predicts ${b}:"]`);

testPage("opens from a file without a fault, and the headline tells both and their difference", async (t) => {
  const { page, faults, result } = await opened(t);
  const points = 100 * result.difference.accuracy;
  t.true((await page.locator(".accuracy").textContent())?.startsWith(`−${Math.abs(points).toFixed(2)}`));
  const tiles = await page.locator(".tile b").allTextContents();
  t.deepEqual(
    [4, 5, 6, 7, 8].map((n) => tiles[n]),
    [result.right.onlyA, result.right.onlyB, result.right.both, result.right.neither, result.agreed].map(
      String,
    ),
  );
  t.is(await page.title(), "a.npz and b.npz on made-up · comparison");
  await page.locator("svg.plot").nth(1).waitFor();
  t.is(await page.locator("svg.plot[role=img][aria-label]").count(), 2);
  t.deepEqual(faults, []);
});

testPage("a click on a cell, and Enter on another, show the cell's images", async (t) => {
  const { page, faults, result } = await opened(t);
  const cells = result.agreementMatrix.flatMap((row, a) => row.map((count, b) => ({ a, b, count })));
  const { a, b, count } = cells
    .filter((cell) => cell.a !== cell.b)
    .reduce((x, y) => (y.count > x.count ? y : x));
  await cellNamed(page, 0, 0).click();
  t.is(await page.locator("#cell-title").textContent(), "Both predict 0");
  await cellNamed(page, a, b).click();
  t.is(await page.locator("#cell-title").textContent(), `A predicts ${a}, B predicts ${b}`);
  t.is(await page.locator(".cell .card").count(), Math.min(count, 12));
  await cellNamed(page, 3, 3).click();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  t.is(await page.locator("#cell-title").textContent(), "A predicts 3, B predicts 4");
  t.is(await page.locator("[role=gridcell][tabindex='0']").count(), 1);
  t.deepEqual(faults, []);
});

testPage("the tabs show who is right, by click and by arrow keys", async (t) => {
  const { page, result } = await opened(t);
  const { onlyA, onlyB, neither } = result.right;
  const told = page.locator("#differences [role=status]");
  const tabs = page.getByRole("tab");
  t.deepEqual(await tabs.allTextContents(), [
    `Only A is right: ${onlyA}`,
    `Only B is right: ${onlyB}`,
    `Both are wrong: ${neither}`,
  ]);
  t.is(await told.textContent(), `${onlyA} images, in the order of the data.`);
  await tabs.nth(1).click();
  t.is(await told.textContent(), `${onlyB} images, in the order of the data.`);
  const first = await page.locator("#differences .enlarge").first().getAttribute("aria-label");
  t.true(first?.startsWith(`Image ${result.onlyBRight[0]}: `), first ?? "");
  await page.keyboard.press("ArrowRight");
  t.is(await told.textContent(), `${neither} images, in the order of the data.`);
  await page.keyboard.press("ArrowRight");
  t.is(await page.locator("[role=tab][aria-selected=true]").textContent(), `Only A is right: ${onlyA}`);
  t.is(await page.locator("[role=tab][tabindex='0']").count(), 1);
  t.is(await page.getByRole("tabpanel").getAttribute("aria-labelledby"), "differences-panel-0");
});

testPage("says which images it has no room for", async (t) => {
  const { page, result } = await opened(t, { total: 12_000, guesses: [0.5, 0.02] });
  const { onlyA, onlyB, neither } = result.right;
  const all = (onlyA + onlyB + neither).toLocaleString("en-US");
  t.true((await page.locator("#differences .lead").textContent())?.startsWith(`2,000 of the ${all} images`));
  await page.getByRole("tab").nth(1).click();
  const kept = (2000 - onlyA - neither).toLocaleString("en-US");
  t.is(
    await page.locator("#differences [role=status]").textContent(),
    `The first ${kept} of ${onlyB.toLocaleString("en-US")} images. The page does not contain the others.`,
  );
});

testPage("an image is enlarged with the predictions of both", async (t) => {
  const { page } = await opened(t);
  await page.locator("#differences .enlarge").first().click();
  const dialog = page.getByRole("dialog");
  t.deepEqual(await dialog.locator("dt").allTextContents(), ["Label", "A, a.npz", "B, b.npz"]);
  const [label, a, b] = await dialog.locator("dd").allTextContents();
  t.is(a, label);
  t.not(b, label);
});

testPage("fits a screen of 375 pixels, with short names and with long ones", async (t) => {
  const classNames = Array.from({ length: 10 }, (_, n) => `a rather long name of class ${n}`);
  for (const asked of [{}, { classNames, names: ["n".repeat(90), "m".repeat(90)] as const }]) {
    const { page } = await opened(t, asked);
    await page.setViewportSize({ width: 375, height: 800 });
    t.is(await page.evaluate("document.documentElement.scrollWidth"), 375);
    await page.locator("#differences .enlarge").first().click();
    t.is(await page.evaluate("document.documentElement.scrollWidth"), 375, "enlarged");
  }
});

testPage("axe finds no serious fault, light, dark or on a phone", async (t) => {
  // Every kind of element is here; axe takes as long as there are elements.
  const { page } = await opened(t, { classes: 3, total: 60 });
  await assertAccessible(t, page, "#differences .enlarge");
});

testPage("names that hold markup are shown as they are, and nothing of them runs", async (t) => {
  const { page, faults } = await opened(t, {
    classes: 2,
    classNames: [EVIL, "b"],
    names: [EVIL, "b"],
    datasetName: EVIL,
  });
  t.is(await page.locator("h1").textContent(), `${EVIL} and b on ${EVIL}`);
  t.is(await page.locator("img").count(), 0);
  t.is(await page.title(), `${EVIL} and b on ${EVIL} · comparison`);
  t.deepEqual(faults, []);
});

testPage("says that nothing differs where nothing does, and that a comparison is partial", async (t) => {
  const made = await madeUpComparison({ guesses: [0, 0] });
  const comparison = { ...made.comparison, result: { ...made.comparison.result, complete: false } };
  const { page, faults } = await openFile(t, t.context.browser, await pageOf({ ...made, comparison }));
  t.is(
    await page.locator(".headline .warning").textContent(),
    "Partial: all numbers cover only the images that both networks predicted.",
  );
  t.is(await page.locator("#differences [role=status]").textContent(), "No images.");
  t.true((await page.locator("#agreement").textContent())?.includes("There are no disagreements."));
  t.deepEqual(faults, []);
});

testPage("prints light, without controls, under the tab that was chosen", async (t) => {
  const { page } = await opened(t);
  await page.getByRole("tab").nth(2).click();
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  t.is(await page.evaluate("getComputedStyle(document.body).backgroundColor"), "rgb(255, 255, 255)");
  t.false(await page.locator(".top").isVisible());
  t.false(await page.locator("[role=tab]").nth(0).isVisible());
  t.true(await page.locator("[role=tab]").nth(2).isVisible());
});
