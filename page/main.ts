/** The page: puts together what the document holds, an evaluation or a comparison, where it has loaded. */
import { comparisonPage } from "./comparison/comparison-page.js";
import { element } from "./dom.js";
import { showFramed } from "./frame.js";
import { readPage } from "./read-page.js";
import { reportPage } from "./report-page.js";

async function show(): Promise<void> {
  const page = await readPage();
  showFramed(page.kind === "evaluation" ? reportPage(page) : comparisonPage(page));
}

show().catch((error: unknown) => {
  const text = `This report could not be shown; it needs a browser of 2024 or newer. ${error}`;
  document.body.prepend(element("p", { class: "warning", role: "alert" }, text));
});
