/** The HTML report: one file with all that it needs, which asks no network for anything. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { deflateSync } from "node:zlib";
import { grouped } from "../../errors/define.js";
import { PACKAGE_ROOT } from "../../package-root.js";
import { escapeHtml, jsonForScript } from "./escape.js";
import type { ReportInput } from "./input.js";
import { DATA_ID, PIXELS_ID } from "./page-data.js";
import { toPageData } from "./to-page-data.js";

/** What the build makes of the folder page/. */
const PAGE = new URL("dist/report/", PACKAGE_ROOT);

/**
 * The whole document. Names of classes, files and networks reach it as text alone, and its content security policy
 * (W3C CSP 3) lets nothing run but its own script, known by hash, and nothing load.
 */
export function renderReport(input: ReportInput): string {
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
  const { network, dataset, result } = input.evaluation;
  const title = escapeHtml(`${network.name} on ${dataset.name} · evaluation report`);
  const [low, high] = result.confidenceInterval95;
  const summary = `${grouped(result.correct)} of ${grouped(result.total)} right: accuracy ${result.accuracy}, 95 % interval ${low.toFixed(4)} to ${high.toFixed(4)}.`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="batchwise">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<noscript><h1>${title}</h1><p>${summary} Charts and images need JavaScript.</p></noscript>
<script type="application/json" id="${DATA_ID}">${jsonForScript(toPageData(input))}</script>
<script type="text/plain" id="${PIXELS_ID}">${pixelBlock(input)}</script>
<script>${script}</script>
</body>
</html>
`;
}

function hashSource(content: string): string {
  return `sha256-${createHash("sha256").update(content).digest("base64")}`;
}

function pixelBlock({ chosen }: ReportInput): string {
  return deflateSync(Buffer.concat(chosen.images.map(({ pixels }) => pixels))).toString("base64");
}
