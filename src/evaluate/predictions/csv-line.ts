/** A line of a predictions file in CSV, as `lineWriter` writes it: no cell is quoted. */

/** What the cells say under their header's names, yet unchecked; one that is no number stays text, and is then refused. */
export function parseCsvCells(cells: readonly string[], header: readonly string[]): unknown {
  const cellOf = new Map(header.map((name, column) => [name, cellValue(cells[column])]));
  const topK: unknown[] = [];
  for (let rank = 1; cellOf.has(`top${rank}Class`); rank++) {
    topK.push({ class: cellOf.get(`top${rank}Class`), probability: cellOf.get(`top${rank}Probability`) });
  }
  const [index, label, prediction, probability, correct] = [
    "index",
    "label",
    "prediction",
    "probability",
    "correct",
  ].map((name) => cellOf.get(name));
  return { index, label, prediction, probability, correct, topK };
}

function cellValue(cell: string): number | boolean | string | null {
  if (cell === "") return null;
  if (cell === "true" || cell === "false") return cell === "true";
  return /^[-+.\de]+$/i.test(cell) ? Number(cell) : cell;
}
