/** A real Chromium for the pages that we make. */
import { accessSync, constants } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import { env, getuid } from "node:process";
import { pathToFileURL } from "node:url";
import type { ExecutionContext } from "ava";
import { type Browser, chromium as driver, type Page } from "playwright-core";
import { temporaryFile } from "./temporary.js";

/** Where it is, where there is one. */
export const chromium: string | undefined = (env.PATH ?? "")
  .split(delimiter)
  .map((folder) => join(folder, "chromium"))
  .find(isExecutable);

/** axe-core's script, to be run within a page. */
export const AXE_PATH = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** Chromium's own sandbox does not work for root. */
export function launch(): Promise<Browser> {
  return driver.launch({
    executablePath: chromium ?? "chromium",
    args: getuid?.() === 0 ? ["--no-sandbox"] : [],
  });
}

export interface Opened {
  readonly page: Page;
  /** Errors and warnings of the console, uncaught errors, and requests that leave the file. */
  readonly faults: readonly string[];
}

const pages = new WeakMap<Browser, Promise<Page>>();

/** The document, opened from a file in the browser's one page, which is as it was when it was new. */
export async function openFile(t: ExecutionContext, browser: Browser, html: string): Promise<Opened> {
  const url = pathToFileURL(await temporaryFile(t, html, "report.html")).href;
  const opening = pages.get(browser) ?? browser.newPage();
  pages.set(browser, opening);
  const page = await opening;
  for (const event of ["console", "pageerror", "request"] as const) page.removeAllListeners(event);
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ media: null, colorScheme: null });
  const faults: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("request", (request) => {
    if (request.url() !== url) faults.push(`requests ${request.url()}`);
  });
  await page.goto(url);
  await page.locator("main").waitFor();
  return { page, faults };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
