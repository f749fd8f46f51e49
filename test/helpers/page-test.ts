/** Tests of the pages that we make, each in a Chromium that a test file's tests share. */
import { readFile } from "node:fs/promises";
import anyTest, { type ExecutionContext, type TestFn } from "ava";
import type { Browser, Page } from "playwright-core";
import { AXE_PATH, chromium, launch } from "./browser.js";
import { needs } from "./require.js";

export interface PageContext {
  readonly browser: Browser;
}

/** A name that would take over a page that took it for markup. */
export const EVIL = `</script><img src=x onerror="document.title='owned'">`;

const test = anyTest as TestFn<{ browser: Browser }>;

const isSkipped = needs("chromium", chromium !== undefined) === anyTest.skip;
/** One page after the other: side by side on a busy machine each could pass its driver's deadlines. Skipped without Chromium. */
export const testPage: typeof test.skip = isSkipped ? test.skip : test.serial;

test.before(async (t) => {
  if (chromium !== undefined) t.context.browser = await launch();
});
test.after.always((t) => t.context.browser?.close());

/**
 * Light, dark, on a phone, and there with the image enlarged that `enlarge` stands for. Dark colours change contrast alone.
 */
export async function assertAccessible(t: ExecutionContext, page: Page, enlarge: string): Promise<void> {
  // Through the debugger's protocol, which the page's policy does not bind.
  await page.evaluate(await readFile(AXE_PATH, "utf8"));
  t.deepEqual(await seriousFaults(page), [], "light");
  await page.emulateMedia({ colorScheme: "dark" });
  t.deepEqual(await seriousFaults(page, ["color-contrast"]), [], "dark");
  await page.setViewportSize({ width: 375, height: 800 });
  t.deepEqual(await seriousFaults(page), [], "phone");
  await page.locator(enlarge).first().click();
  t.deepEqual(await seriousFaults(page), [], "enlarged");
}

async function seriousFaults(page: Page, runOnly?: readonly string[]): Promise<string[]> {
  const { violations } = await page.evaluate<{ violations: { id: string; impact: string }[] }>(
    `axe.run(${JSON.stringify({ resultTypes: ["violations"], ...(runOnly && { runOnly }) })})`,
  );
  return violations.filter(({ impact }) => ["serious", "critical"].includes(impact)).map(({ id }) => id);
}
