/** Writes a template of an architecture for a file of arrays: values that the shapes show, and a mark for each other value. */
import type { LoadNetworkOptions } from "#src/networks/registry.js";
import { locate } from "#src/networks/source.js";
import { arraysAt } from "./arrays.js";
import { draftOf } from "./draft.js";

const SCHEMA = "node_modules/batchwise/schemas/architecture.schema.json";

/**
 * Returns JSON with a layer in each line. Conventional values are filled in; the others are "?".
 *
 * @throws as `loadNetwork` for a file that cannot be read; UsageError ERR_OPTION_VALUE if the file states its own layers
 */
export async function architectureTemplate(source: string, options: LoadNetworkOptions): Promise<string> {
  const path = await locate(source, options);
  const found = await arraysAt(source, path);
  const { activation } = options;
  const { layers, ...facts } = draftOf(path, { isOrdered: false, ...found, activation });
  const [head, tail] = [Object.entries(facts).filter(([key]) => key !== "ignored"), facts.ignored];
  return `${[
    "{",
    `  "$schema": ${JSON.stringify(SCHEMA)},`,
    ...head.map(([key, value]) => `  ${JSON.stringify(key)}: ${inLine(value)},`),
    '  "layers": [',
    layers.map((layer) => `    ${inLine(layer)}`).join(",\n"),
    tail === undefined ? "  ]" : `  ],\n  "ignored": ${inLine(tail)}`,
    "}",
  ].join("\n")}\n`;
}

/** JSON in one line, with blanks. Line feeds in texts are escaped. */
function inLine(value: unknown): string {
  return JSON.stringify(value, null, 1).replace(/\n */g, " ");
}
