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

/** The document, opened from a file. */
export async function openFile(t: ExecutionContext, browser: Browser, html: string): Promise<Opened> {
  const url = pathToFileURL(await temporaryFile(t, html, "report.html")).href;
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  t.teardown(() => page.close());
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
