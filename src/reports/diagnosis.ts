/** Report of a diagnosis as text or JSON, with the command that evaluates with the best settings. */

import type { Diagnosis, DiagnosisFile, ScoredCandidate } from "#src/base/contracts/diagnosis.js";
import { grouped } from "#src/base/errors/define.js";
import { printable } from "#src/base/text.js";
import { cellsOf, leftCell, type Row, rowLines } from "./cells.js";
import { jsonText } from "./json.js";
import { preprocessingText } from "./report.js";

const LISTED = 12;
const NOT_AN_ACCURACY = "chosen on these images: not an accuracy to report";
const SHELL_SAFE = /^[\w./:=@%+-]+$/;
/** Characters that a terminal may act on. */
const CONTROLS = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu;

/** @param subject options that name data and network, as the user gave them */
export function renderDiagnosis(
  format: "text" | "json",
  diagnosis: Diagnosis,
  subject: readonly string[],
): string {
  const { options } = diagnosis;
  const command = options && commandText([...subject, ...options]);
  if (format === "json") {
    const report: DiagnosisFile = { ...diagnosis, command, note: NOT_AN_ACCURACY };
    return jsonText(report);
  }
  const { dataset, network, images, seed, candidates } = diagnosis;
  const heading: Row[] = [
    [
      "Data",
      `${printable(dataset.name)}, ${dataset.split}: ${grouped(images)} of ${grouped(dataset.total)} images, seed ${seed}`,
    ],
    ["Network", `${printable(network.name)}, ${network.layers.join("-")}`],
    ["Chance", diagnosis.chance.toFixed(4)],
  ];
  const left = candidates.length - LISTED;
  return `${[
    ...rowLines(heading),
    "",
    ...tableLines(candidates.slice(0, LISTED)),
    ...(left > 0 ? [`and ${grouped(left)} more, none of them better; --format json lists all`] : []),
    "",
    ...rowLines(conclusionRows(diagnosis, command)),
  ].join("\n")}\n`;
}

function conclusionRows({ best, again, isClear, candidates }: Diagnosis, command: string | null): Row[] {
  if (best === null || again === null || command === null) {
    return [
      [
        "Found",
        `none of ${grouped(candidates.length)} candidates beats chance; check data, labels and weights`,
      ],
    ];
  }
  const [low, high] = again.confidenceInterval95;
  return [
    ["Best", `${readingText(best)}: ${grouped(best.correct)} of ${grouped(best.total)}, ${NOT_AN_ACCURACY}`],
    [
      "Again",
      `${again.accuracy.toFixed(4)} on ${grouped(again.total)} other images, 95 % interval ${low.toFixed(4)} to ${high.toFixed(4)}`,
    ],
    ...(isClear
      ? []
      : [["Unclear", "its interval overlaps the next; check how the network was trained"] as const]),
    ["Command", command],
  ];
}

const COLUMNS: readonly (readonly [title: string, cell: (candidate: ScoredCandidate) => string])[] = [
  ["accuracy", ({ accuracy }) => accuracy.toFixed(4)],
  ["interval", ({ interval: [low, high] }) => `${low.toFixed(4)} to ${high.toFixed(4)}`],
  ["images", ({ total }) => grouped(total)],
  ["pixels", ({ preprocessing }) => preprocessingText(preprocessing).replace(/^pixels /, "")],
  ["layers", ({ activation }) => activation ?? "as stated"],
  ["pictures", ({ view }) => picturesText(view)],
  ["labels", ({ view }) => labelsText(view)],
];

function tableLines(candidates: readonly ScoredCandidate[]): string[] {
  const rows = [
    COLUMNS.map(([title]) => title),
    ...candidates.map((one) => COLUMNS.map(([, cell]) => cell(one))),
  ];
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => cellsOf(row[column]!))));
  return rows.map((row) =>
    row
      .map((cell, column) => leftCell(cell, widths[column]!))
      .join("  ")
      .trimEnd(),
  );
}

function readingText({ preprocessing, activation, view }: ScoredCandidate): string {
  return [
    preprocessingText(preprocessing),
    ...(activation === null ? [] : [`${activation} between layers`]),
    ...(picturesText(view) === AS_THEY_ARE ? [] : [`pictures ${picturesText(view)}`]),
    ...(view.labelOffset === 0 ? [] : [`labels ${labelsText(view)}`]),
  ].join(", ");
}

const AS_THEY_ARE = "as they are";

function picturesText({ invert, transpose }: ScoredCandidate["view"]): string {
  return [...(invert ? ["inverted"] : []), ...(transpose ? ["transposed"] : [])].join(", ") || AS_THEY_ARE;
}

function labelsText({ labelOffset }: ScoredCandidate["view"]): string {
  if (labelOffset === 0) return AS_THEY_ARE;
  return labelOffset > 0 ? `+ ${labelOffset}` : `- ${-labelOffset}`;
}

/** Command line, quoted for a POSIX shell; for bash, where a word has control characters. */
export function commandText(args: readonly string[]): string {
  return ["batchwise", ...args.map(quoted)].join(" ");
}

function quoted(arg: string): string {
  if (SHELL_SAFE.test(arg)) return arg;
  if (arg.search(CONTROLS) < 0) return `'${arg.replaceAll("'", "'\\''")}'`;
  return `$'${arg.replace(/['\\]/g, "\\$&").replace(CONTROLS, escapesOf)}'`;
}

/** The bytes of a character as bash reads them between $' and '. */
function escapesOf(character: string): string {
  return [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
}
