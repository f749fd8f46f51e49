/** Known files of JSON: weights as nested lists that are refused, descriptions of models, notebooks. */

import type { Outline } from "#src/files/formats/pickle-outline.js";
import { scanJson } from "#src/files/scan-json.js";
import type { FileHead } from "./file-head.js";
import { type KnownFile, networkFile } from "./known-file.js";
import { arraysIn, described, handMade } from "./pickle-files.js";

const MOST_BYTES = 256 * 2 ** 20;
/** Limits of what is parsed. A weight takes 20 bytes as a text, and JSON.parse takes 40 for any value. */
const LIMITS = { depth: 32, keys: 2 ** 14 };
const [LEAST_ENTRIES, ENTRY_BYTES] = [2 ** 16, 14];
const parsed = new WeakMap<FileHead, unknown>();
/** Stands for a document that would take too much memory. */
const LARGE: unknown = Symbol("large");

/** Undefined if the file is not JSON; `LARGE` if it may be, but is not parsed. */
function jsonOf(head: FileHead): unknown {
  if (!/^(\xef\xbb\xbf)?\s*[{[]/.test(head.text) || !head.isWhole || head.sizeBytes > MOST_BYTES)
    return undefined;
  if (!parsed.has(head)) parsed.set(head, parse(head.content));
  return parsed.get(head);
}

function parse(content: Uint8Array): unknown {
  const text = new TextDecoder().decode(content);
  const entries = Math.max(LEAST_ENTRIES, Math.ceil(content.length / ENTRY_BYTES));
  if (scanJson(text, { ...LIMITS, entries, containers: entries }) !== undefined) return LARGE;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Outline of a value. Nested lists of numbers are arrays. */
function outlineOf(value: unknown, depth = 0): Outline {
  if (typeof value === "number") return { kind: "number", value };
  if (typeof value === "string") return { kind: "text", text: value.slice(0, 100) };
  if (typeof value !== "object" || value === null || depth > 4) return { kind: "other", what: "a value" };
  if (!Array.isArray(value)) {
    const entries = Object.entries(value).slice(0, 200);
    return {
      kind: "dict",
      entries: new Map(
        entries.map(([key, item]) => [
          key,
          LISTS.has(key) ? listOf(item, depth + 1) : outlineOf(item, depth + 1),
        ]),
      ),
    };
  }
  const shape = shapeOf(value);
  if (shape !== undefined) return { kind: "array", shape, dtype: undefined };
  return listOf(value, depth);
}

/** Keys of lists with one array per layer. Layers of one shape could also be read as one array of a higher rank. */
const LISTS = new Set(["weights", "biases", "coefs_", "intercepts_"]);

function listOf(value: unknown, depth: number): Outline {
  if (!Array.isArray(value)) return outlineOf(value, depth);
  return { kind: "list", items: value.slice(0, 200).map((item) => outlineOf(item, depth + 1)) };
}

/** Shape of nested lists of numbers of equal lengths; undefined for other values. */
function shapeOf(value: unknown): number[] | undefined {
  if (typeof value === "number") return [];
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const inner = shapeOf(value[0]);
  if (inner === undefined) return undefined;
  const isEven = value.every((item) =>
    inner.length === 0 ? typeof item === "number" : shapeOf(item)?.join() === inner.join(),
  );
  return isEven ? [value.length, ...inner] : undefined;
}

const isDict = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const notebook: KnownFile = {
  name: "a Jupyter notebook",
  recognizes: (head) => head.text.trimStart().startsWith("{") && /"(nbformat|cells)"\s*:/.test(head.text),
  nextStep: () => "run it, and save its network by np.savez('out.npz', W1=…, b1=…) for --weights out.npz",
};

const kerasConfig: KnownFile = {
  name: "a Keras model's description in JSON, without weights",
  recognizes: (head) => {
    const value = jsonOf(head);
    return isDict(value) && "class_name" in value && "config" in value;
  },
  nextStep: () => "give the file of its weights (.h5 or .keras)",
};

const weights: KnownFile = {
  name: "weights as JSON",
  recognizes: (head) =>
    isDict(jsonOf(head)) && arraysIn(outlineOf(jsonOf(head))).some(({ shape }) => shape.length >= 2),
  describe: ({ head }) => `weights as JSON, ${described(outlineOf(jsonOf(head)))}`,
  nextStep: ({ head }) => handMade(arraysIn(outlineOf(jsonOf(head)))),
};

const otherJson: KnownFile = {
  name: "JSON without weights",
  recognizes: (head) => jsonOf(head) !== undefined,
  describe: ({ head }) => (jsonOf(head) === LARGE ? "JSON of more values than weights have" : otherJson.name),
  nextStep: ({ use }) =>
    use === "weights"
      ? "give the file of the weights themselves"
      : 'a manifest is a list of {"images": FILE, "labels": FILE}',
};

export const JSON_FILES: readonly KnownFile[] = [notebook, ...[kerasConfig, weights].map(networkFile)];
/** Only for weights. As data, JSON is a manifest, and its reader reports the fault. */
export const OTHER_JSON = otherJson;
