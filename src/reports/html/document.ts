/** HTML reports as one file: the document with its content security policy. It loads nothing from a network. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { deflateSync } from "node:zlib";
import { grouped } from "#src/base/errors/define.js";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { withoutControls } from "#src/base/text.js";
import { escaped } from "#src/reports/markup.js";
import { type AnyPageData, DATA_ID, PIXELS_ID, type ReportInput } from "./page-data.js";
import { toPageData } from "./to-page-data.js";

export function renderReport(input: ReportInput): string {
  const { network, dataset, result } = input.evaluation;
  const [low, high] = result.confidenceInterval95;
  return renderPage({
    title: `${network.name} on ${dataset.name} · evaluation report`,
    summary:
      result.total === 0
        ? "No image was evaluated."
        : `${grouped(result.correct)} of ${grouped(result.total)} right: accuracy ${result.accuracy}, 95 % interval ${low.toFixed(4)} to ${high.toFixed(4)}.`,
    data: toPageData(input),
    pixels: input.chosen.images.map(({ pixels }) => pixels),
  });
}

/** Output of the build of the folder page/. */
const PAGE = new URL("dist/report/", PACKAGE_ROOT);

export interface PageContent {
  /** Plain text. `summary` is plain text too: one sentence for readers without JavaScript. */
  readonly title: string;
  readonly summary: string;
  readonly data: AnyPageData;
  /** Pixels of each image of the data, in order. */
  readonly pixels: readonly Uint8Array[];
}

/**
 * The whole document. Names of classes, files and networks are inserted only as text.
 * The content security policy (W3C CSP 3) permits only its own script and style sheet, by hash, and loads nothing.
 */
export function renderPage({ title, summary, data, pixels }: PageContent): string {
  const style = readFileSync(new URL("page.css", PAGE), "utf8");
  const script = readFileSync(new URL("page.js", PAGE), "utf8");
  const policy = [
    "default-src 'none'",
    `script-src '${hashSource(script)}'`,
    `style-src '${hashSource(style)}'`,
    "img-src data: blob:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const heading = escaped(title);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="batchwise">
<title>${heading}</title>
<style>${style}</style>
</head>
<body>
<noscript><h1>${heading}</h1><p>${escaped(summary)} Charts and images need JavaScript.</p></noscript>
<script type="application/json" id="${DATA_ID}">${jsonForScript(data)}</script>
<script type="text/plain" id="${PIXELS_ID}">${deflateSync(Buffer.concat(pixels)).toString("base64")}</script>
<script>${script}</script>
</body>
</html>
`;
}

function hashSource(content: string): string {
  return `sha256-${createHash("sha256").update(content).digest("base64")}`;
}

/**
 * JSON for a `<script type="application/json">`: without `<`, which could end the element or start a comment, and with control
 * characters as the page shows them.
 */
export function jsonForScript(value: unknown): string {
  const shown = (_: string, one: unknown) => (typeof one === "string" ? withoutControls(one) : one);
  return JSON.stringify(value, shown).replaceAll("<", "\\u003c");
}
