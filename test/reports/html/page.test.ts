import type { Page } from "playwright-core";
import { renderReport } from "#src/reports/html/document.js";
import type { ReportInput } from "#src/reports/html/page-data.js";
import { openFile } from "../../helpers/browser.js";
import { assertAccessible, EVIL, testPage } from "../../helpers/page-test.js";
import { madeUpInput } from "../../helpers/report-input.js";

/** A mistake's cell with the most images, and how many of them there are. */
function largestConfusion({ evaluation }: ReportInput): { label: number; prediction: number; count: number } {
  const cells = evaluation.result.confusionMatrix.flatMap((row, label) =>
    row.map((count, prediction) => ({ label, prediction, count })),
  );
  const mistakes = cells.filter(({ label, prediction }) => label !== prediction);
  return mistakes.reduce((a, b) => (b.count > a.count ? b : a));
}

const cellNamed = (page: Page, label: number, prediction: number) =>
  page.locator(`[role=gridcell][aria-label^="label ${label}, predicted ${prediction}:"]`);

testPage("opens from a file without a fault, and the headline tells the accuracy", async (t) => {
  const input = madeUpInput();
  const { page, faults } = await openFile(t, t.context.browser, renderReport(input));
  const { accuracy } = input.evaluation.result;
  t.true((await page.locator(".accuracy").textContent())?.startsWith(`${(100 * accuracy).toFixed(2)} %`));
  t.is(await page.title(), "made-up.npz on made-up · evaluation report");
  await page.locator("svg.plot").nth(7).waitFor();
  t.is(await page.locator("svg.plot[role=img][aria-label]").count(), 8);
  t.deepEqual(faults, []);
});

testPage("a click on a cell shows the cell's images, drawn pixel for pixel", async (t) => {
  const input = madeUpInput();
  const { page, faults } = await openFile(t, t.context.browser, renderReport(input));
  const { label, prediction, count } = largestConfusion(input);
  await cellNamed(page, 3, 3).click();
  t.is(await page.locator("#cell-title").textContent(), "Label 3, predicted 3");
  await cellNamed(page, label, prediction).click();
  t.is(await page.locator("#cell-title").textContent(), `Label ${label}, predicted ${prediction}`);
  t.is(await page.locator(".cell .card").count(), count);

  const first = input.chosen.images.find((image) => image.label === label && image.prediction === prediction);
  const greys = await page.evaluate(`(() => {
    const canvas = document.querySelector(".cell canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return [...data].filter((_, n) => n % 4 === 0);
  })()`);
  t.deepEqual(greys, [...(first?.pixels ?? [])]);
  const rendering = await page.evaluate(
    `getComputedStyle(document.querySelector(".cell canvas")).imageRendering`,
  );
  t.is(rendering, "pixelated");
  t.deepEqual(faults, []);
});

testPage("the grid is one stop of the tab key; arrows walk in it and Enter chooses", async (t) => {
  const { page } = await openFile(t, t.context.browser, renderReport(madeUpInput()));
  t.is(await page.locator("[role=gridcell][tabindex='0']").count(), 1);
  await cellNamed(page, 0, 0).click();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  t.regex((await page.locator(":focus").getAttribute("aria-label")) ?? "", /^label 2, predicted 0:/);
  t.is(await page.locator("[role=gridcell][tabindex='0']").count(), 1);
  await page.keyboard.press("End");
  await page.keyboard.press("Enter");
  t.is(await page.locator("#cell-title").textContent(), "Label 2, predicted 9");
  t.is(
    await page.locator("[role=gridcell][aria-selected=true]").getAttribute("aria-label"),
    await page.locator(":focus").getAttribute("aria-label"),
  );
});

testPage("the gallery is narrowed by label, prediction and confidence, and widened again", async (t) => {
  const input = madeUpInput();
  const { page } = await openFile(t, t.context.browser, renderReport(input));
  const mistakes = input.chosen.images.filter((image) => image.label !== image.prediction);
  const told = page.locator("#mistakes [role=status]");
  const all = `${mistakes.length} of ${mistakes.length} mistakes, most confident first.`;
  t.is(await told.textContent(), all);

  const { label, prediction, count } = largestConfusion(input);
  await page.getByLabel("Label", { exact: true }).selectOption(String(label));
  await page.getByLabel("Predicted", { exact: true }).selectOption(String(prediction));
  t.is(await told.textContent(), `${count} of ${mistakes.length} mistakes, most confident first.`);
  t.is(await page.locator("#mistakes .card").count(), count);

  await page.getByRole("button", { name: "All mistakes" }).click();
  await page.getByText(all).waitFor();
  await page.getByLabel("Lowest confidence").fill("90");
  const sure = mistakes.filter(
    ({ probabilities: [best] }) => best !== undefined && best.probability >= 0.9,
  ).length;
  t.is(await told.textContent(), `${sure} of ${mistakes.length} mistakes, most confident first.`);
});

testPage("more mistakes come a page at a time, with the keyboard on the first that came", async (t) => {
  const input = madeUpInput();
  const { page } = await openFile(t, t.context.browser, renderReport(input));
  const more = page.locator("#mistakes .more");
  const before = await page.locator("#mistakes .card").count();
  await more.focus();
  await page.keyboard.press("Enter");
  t.true((await page.locator("#mistakes .card").count()) > before);
  t.is(
    await page.locator(":focus").getAttribute("aria-label"),
    await page.locator("#mistakes .enlarge").nth(before).getAttribute("aria-label"),
  );
});

testPage("an image is enlarged with all its probabilities, and Escape closes it", async (t) => {
  const { page } = await openFile(t, t.context.browser, renderReport(madeUpInput()));
  await page.locator("#mistakes .enlarge").first().focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog");
  t.is(await dialog.locator(".bars li").count(), 10);
  const first = await dialog.locator("h2").textContent();
  await page.keyboard.press("ArrowRight");
  t.not(await dialog.locator("h2").textContent(), first);
  await page.keyboard.press("Escape");
  t.false(await dialog.isVisible());
});

testPage("is dark where the system is, and as the button says", async (t) => {
  const { page } = await openFile(t, t.context.browser, renderReport(madeUpInput()));
  const background = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
  const light = await background();
  await page.emulateMedia({ colorScheme: "dark" });
  const dark = await background();
  t.not(dark, light);
  await page.getByRole("button", { name: "Use light colours" }).click();
  t.is(await background(), light);
  await page.getByRole("button", { name: "Use dark colours" }).click();
  t.is(await background(), dark);
});

testPage("fits a screen of 375 pixels, with short names and with long ones", async (t) => {
  const classNames = Array.from({ length: 10 }, (_, n) => `a rather long name of class ${n}`);
  for (const input of [madeUpInput(), madeUpInput({ classNames, networkName: "n".repeat(90) })]) {
    const { page } = await openFile(t, t.context.browser, renderReport(input));
    await page.setViewportSize({ width: 375, height: 800 });
    t.is(await page.evaluate("document.documentElement.scrollWidth"), 375);
  }
});

testPage("axe finds no serious fault, light, dark or on a phone", async (t) => {
  // Every kind of element is here; axe takes as long as there are elements.
  const input = madeUpInput({ classes: 3, total: 60 });
  const { page } = await openFile(t, t.context.browser, renderReport(input));
  await page.locator("summary").click();
  await assertAccessible(t, page, "#mistakes .enlarge");
});

testPage("names that hold markup are shown as they are, and nothing of them runs", async (t) => {
  const input = madeUpInput({ classes: 2, classNames: [EVIL, "b"], networkName: EVIL, datasetName: EVIL });
  const { page, faults } = await openFile(t, t.context.browser, renderReport(input));
  t.is(await page.locator("h1").textContent(), `${EVIL} on ${EVIL}`);
  t.true((await page.locator(".matrix thead").textContent())?.includes(EVIL));
  t.is(await page.locator("img").count(), 0);
  t.is(await page.title(), `${EVIL} on ${EVIL} · evaluation report`);
  t.deepEqual(faults, []);
});

testPage("without probabilities, batches or mistakes what cannot be told is left out", async (t) => {
  const { evaluation, ...rest } = madeUpInput({ scored: false });
  const { page, faults } = await openFile(
    t,
    t.context.browser,
    renderReport({ ...rest, evaluation: { ...evaluation, timeline: [] } }),
  );
  t.is(await page.locator("#calibration").count(), 0);
  t.is(await page.locator("#speed").count(), 0);
  t.deepEqual(faults, []);
});

testPage("says of how many batches it shows the times, where not all were kept", async (t) => {
  const { evaluation, ...rest } = madeUpInput();
  const captionsOf = async (run: object) => {
    const { page } = await openFile(
      t,
      t.context.browser,
      renderReport({ ...rest, evaluation: { ...evaluation, run: { ...evaluation.run, ...run } } }),
    );
    return (await page.locator("#speed").textContent()) ?? "";
  };
  t.regex(await captionsOf({}), /Threads over time, every batch/);
  const sampled = await captionsOf({ batches: 12 });
  t.regex(sampled, /Batches by latency, 6 of 12 batches, evenly spaced \(p50/);
  t.regex(sampled, /Threads over time, 6 of 12 batches, evenly spaced/);
});

testPage("a class without images and predictions has no F1, and so not the lowest", async (t) => {
  const { evaluation, ...rest } = madeUpInput({ classes: 3 });
  const nothing = { support: 0, predicted: 0, precision: null, recall: null, f1: null };
  const told = (f1: readonly (number | null)[]) => ({
    ...rest,
    evaluation: {
      ...evaluation,
      result: {
        ...evaluation.result,
        perClass: evaluation.result.perClass.map((one, n) => {
          const given = f1[n] ?? null;
          return given === null ? { ...one, ...nothing } : { ...one, f1: given };
        }),
      },
    },
  });
  const { page } = await openFile(t, t.context.browser, renderReport(told([null, 0.9, 0.8])));
  t.is(
    await page.locator("#classes > .lead").textContent(),
    "Class 2 has the lowest F1, class 1 the highest.",
  );
  const { page: empty } = await openFile(t, t.context.browser, renderReport(told([null, null, null])));
  t.is(await empty.locator("#classes > .lead").textContent(), "No class has images or predictions.");
});

testPage("says that a result is partial", async (t) => {
  const { evaluation, ...rest } = madeUpInput();
  const partial = { ...evaluation, result: { ...evaluation.result, complete: false } };
  const { page } = await openFile(t, t.context.browser, renderReport({ ...rest, evaluation: partial }));
  t.is(await page.locator(".headline .warning").textContent(), "Partial: not all images were evaluated.");
});

testPage("prints light, without controls", async (t) => {
  const { page } = await openFile(t, t.context.browser, renderReport(madeUpInput()));
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  t.is(await page.evaluate("getComputedStyle(document.body).backgroundColor"), "rgb(255, 255, 255)");
  for (const control of [".top", ".filters", ".more"]) {
    t.false(await page.locator(control).first().isVisible(), control);
  }
});

testPage("shows groups, the labels counted, and predictions that were made elsewhere", async (t) => {
  const { evaluation, chosen, ...input } = madeUpInput();
  const counts = { total: 4, correct: 3, accuracy: 0.75 };
  const groups = [
    { name: EVIL, ...counts, confidenceInterval95: [0.3, 0.95] as const },
    { name: "empty", total: 0, correct: 0, accuracy: null, confidenceInterval95: [0, 1] as const },
  ];
  const images = chosen.images.map((image) => ({ ...image, probabilities: [] }));
  const run = { ...evaluation.run, engine: "none" as const };
  const report = renderReport({
    ...input,
    chosen: { ...chosen, images },
    evaluation: { ...evaluation, run, groups, where: { labels: [3, 5] } },
  });
  const { page, faults } = await openFile(t, t.context.browser, report);
  const table = await page.locator("#groups table").innerText();
  t.true(table.includes(EVIL));
  t.regex(table, /4\s+3\s+0\.7500\s+0\.3000\s+0\.9500/);
  t.regex(
    await page.locator("#about").innerText(),
    /labels 3, 5[\s\S]*none: the predictions were made elsewhere/,
  );
  t.is(await page.locator("#mistakes [aria-label*='confidence']").count(), 0);
  t.false((await page.locator("dl").first().innerText()).includes("latency"));
  await assertAccessible(t, page, "#mistakes .enlarge");
  t.deepEqual(faults, []);
});
