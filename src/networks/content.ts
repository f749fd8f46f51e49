/** What a file of arrays shows beside them: the activation as a text, the program that wrote it, biases in a second file. */

import { basename, dirname, extname, join } from "node:path";
import { inTurns, type Steps } from "#src/base/abort.js";
import { ACTIVATIONS, type Activation } from "#src/base/contracts/network.js";
import { NetworkError } from "#src/base/errors.js";
import type { NamedContent } from "#src/files/formats/array-tree.js";
import type { NamedArrays } from "#src/files/formats/arrays.js";
import { pathKind, readWholeFile } from "#src/files/read-file.js";

/** Keys of the hidden layers' activation: one text, or one for each layer. */
const ACTIVATION_KEY = /(^|[._])activations?(_functions?)?(\.\d+)?$/i;
/** Other names of activations. */
const SYNONYMS: ReadonlyMap<string, Activation> = new Map([
  ["logistic", "sigmoid"],
  ["linear", "identity"],
]);
/** Activations of the last layer, which change no prediction. */
const LAST = /^(log_?)?softmax$/i;
/** Keys of a `Network` of Nielsen's book, whose neurons are sigmoids. Its biases are columns (n × 1). */
const NIELSEN = ["sizes", "weights.0", "biases.0"] as const;

export type ContentFormat = "pickle" | "npy" | "json";

/** Arrays of a file, with what shows their activation. */
export interface Content {
  readonly arrays: NamedArrays;
  /** Activation that a text states, of all hidden layers or of each. */
  readonly activation: Activation | readonly Activation[] | undefined;
  /** Activation that the writer of such files is known for. */
  readonly likelyActivation: Activation | undefined;
  /** Bytes on disk of the file, and of the biases beside it. */
  readonly files: readonly Uint8Array[];
}

/**
 * Decodes a file of named or listed arrays, and the biases beside it: `biases.pkl` beside a `weights.pkl` without biases.
 *
 * @throws NetworkError and FileError as the decoder of the format
 */
export async function decodeContent(
  path: string,
  bytes: Uint8Array,
  format: ContentFormat,
): Promise<Content> {
  const { arrays, texts } = await inTurns(await stepsOf(path, bytes, format));
  if (format === "json" && [...arrays.values()].every(({ shape }) => shape.length < 2)) {
    const expected = "weights as nested lists of numbers";
    throw new NetworkError("ERR_NETWORK_FORMAT", { path, expected, found: "JSON without them" });
  }
  const beside = await biasesBeside(path, arrays);
  const biases = beside && (await inTurns(await stepsOf(beside.path, beside.bytes, format))).arrays;
  const isNielsen = format === "json" && NIELSEN.every((name) => arrays.has(name));
  const areColumns = biases !== undefined && [...biases.values()].every(({ shape }) => shape[1] === 1);
  return {
    arrays: biases === undefined ? arrays : joined(arrays, biases),
    activation: activationIn(texts),
    likelyActivation: isNielsen || areColumns ? "sigmoid" : undefined,
    files: beside === undefined ? [bytes] : [bytes, beside.bytes],
  };
}

/** Each format loads its own decoder: a start costs what is loaded. */
async function stepsOf(path: string, bytes: Uint8Array, format: ContentFormat): Promise<Steps<NamedContent>> {
  if (format === "json") return (await import("#src/files/formats/json-arrays.js")).jsonInSteps(path, bytes);
  const { pickleInSteps } = await import("#src/files/formats/pickle/decode.js");
  if (format === "pickle") return pickleInSteps(path, bytes);
  const { outlineNpy } = await import("#src/files/formats/known/file-head.js");
  return pickleInSteps(path, bytes.subarray(outlineNpy(bytes)?.headerBytes ?? 0));
}

/** Undefined if a text is no name of an activation. */
function activationIn(texts: ReadonlyMap<string, string>): Content["activation"] {
  const said = [...texts].flatMap(([key, text]) =>
    ACTIVATION_KEY.test(key) && !LAST.test(text) ? [text] : [],
  );
  const names = said.flatMap((text) => {
    const name = text.toLowerCase();
    return ACTIVATIONS.find((known) => known === name) ?? SYNONYMS.get(name) ?? [];
  });
  if (names.length === 0 || names.length !== said.length) return undefined;
  return names.length === 1 ? names[0] : names;
}

/** Name of a file that has only weights. Its biases are beside it, under the same ending. */
const WEIGHTS_FILE = /^weights?\./i;

/** Most bytes of biases: a layer has at most 65,535. */
const MAX_BIASES_BYTES = 2 ** 26;

async function biasesBeside(
  path: string,
  arrays: NamedArrays,
): Promise<{ readonly path: string; readonly bytes: Uint8Array } | undefined> {
  const name = basename(path);
  const isAlone = [...arrays.values()].every(({ shape }) => shape.length === 2 && !shape.includes(1));
  if (!WEIGHTS_FILE.test(name) || !isAlone) return undefined;
  for (const stem of ["biases", "bias"]) {
    const beside = join(dirname(path), `${stem}${extname(name)}`);
    if ((await pathKind(beside)) === "file") {
      return { path: beside, bytes: await readWholeFile(beside, MAX_BIASES_BYTES) };
    }
  }
  return undefined;
}

/** The arrays of both files. A list's names are numbers, which get the names of their files. */
function joined(weights: NamedArrays, biases: NamedArrays): NamedArrays {
  const named = (arrays: NamedArrays, stem: string) =>
    [...arrays].map(([name, array]) => [`${stem}.${name}`, array] as const);
  return new Map([...named(weights, "weights"), ...named(biases, "biases")]);
}
