/** Readers of texts: configuration, checks, results, predictions, class names. */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { PredictionsFormat } from "#src/base/contracts/run.js";
import { CONFIG_KEYS, readConfig } from "#src/cli/config/read.js";
import { readClassNames } from "#src/data/labels.js";
import { readSuite } from "#src/evaluate/check/suite.js";
import { lineWriter } from "#src/evaluate/predictions/lines.js";
import { readPredictions } from "#src/evaluate/predictions/reader.js";
import { readResult } from "#src/evaluate/read-result.js";
import { readAnswers } from "#src/evaluate/score/read.js";
import { npyBytes, npyFloats } from "../../helpers/npy.js";
import { SAMPLE_RESULT } from "../../helpers/sample-result.js";
import { JSON_TOKENS, JSON_WORDS, type Seed, type Target, textPieces } from "../target.js";
import { malformed } from "./malformed.js";

function jsonSeed(name: string, document: unknown, space = 0): Seed {
  const text = JSON.stringify(document, undefined, space);
  return { name, bytes: Buffer.from(text), inner: textPieces(text, JSON_TOKENS) };
}

const OF_JSON = "FILE_READ|FILE_EMPTY|JSON_SYNTAX|JSON_SHAPE";

const config: Target = {
  name: "config",
  seeds: [
    jsonSeed(
      "some options",
      {
        $schema: "x",
        dataset: "bundled",
        labels: false,
        threads: 2,
        limit: 10,
        output: ["a.json"],
        minAccuracy: 0.9,
      },
      2,
    ),
    jsonSeed("others", {
      weights: "./w.npz",
      activation: "relu",
      normalize: "none",
      timeout: 1.5,
      quiet: true,
      color: false,
      baseline: "b.json",
    }),
    ...malformed(".config.json"),
  ],
  words: [...JSON_WORDS, ...CONFIG_KEYS.map((key) => `"${key}":`)],
  codes: /^ERR_CONFIG_\w+$/,
  onDisk: true,
  async read(_, path) {
    const unknown = Object.keys(await readConfig(path)).filter((key) => !CONFIG_KEYS.includes(key));
    return unknown.length === 0 ? undefined : `read the keys ${unknown}`;
  },
};

const checks: Target = {
  name: "checks",
  seeds: [
    jsonSeed(
      "two evaluations",
      {
        threads: 2,
        evaluations: [
          { name: "a", dataset: "bundled", minAccuracy: 0.9, batchSize: 100 },
          { name: "b", weights: "w.onnx", baseline: "b.json", maxRegression: 0.01, engine: "ml-matrix" },
        ],
      },
      2,
    ),
    ...malformed(".checks.json"),
  ],
  words: [...JSON_WORDS, '"name":"a",', '"evaluations":[]', '"limit":0,'],
  codes: new RegExp(`^ERR_(${OF_JSON}|USAGE|OPTION_VALUE)$`),
  onDisk: true,
  async read(_, path) {
    const { entries } = await readSuite(path, {}, 2);
    return entries.length > 0 && entries.every(({ name }) => name !== "")
      ? undefined
      : `read ${entries.length} entries`;
  },
};

const { result: _, ...facts } = SAMPLE_RESULT;
const UNLABELLED = {
  ...facts,
  result: { labelled: false, total: 2, complete: true, predictedCounts: [1, 1, 0] },
  predictions: [0, 1],
};

const result: Target = {
  name: "result",
  seeds: [
    jsonSeed("labelled", SAMPLE_RESULT),
    jsonSeed("without labels", UNLABELLED, 2),
    ...malformed(".result.json"),
  ],
  words: [...JSON_WORDS, '"schemaVersion":2,', '"labelled":false,', '"predictionsFile":null,'],
  codes: new RegExp(`^ERR_(${OF_JSON}|RESULT_VERSION)$`),
  onDisk: true,
  async read(_, path) {
    const { schemaVersion, result: found } = await readResult(path);
    return schemaVersion === 1 && Number.isSafeInteger(found.total) && found.total >= 0
      ? undefined
      : `read a total of ${found.total}`;
  },
};

function predictionLines(format: PredictionsFormat, images: number, topK: number): string {
  const { header, line } = lineWriter(format, topK);
  const ranks = Array.from({ length: topK }, (_, rank) => ({ class: rank, probability: 0.5 / (rank + 1) }));
  const lines = Array.from({ length: images }, (_, index) =>
    line({
      index,
      label: index % 2 === 0 ? index : null,
      prediction: 0,
      probability: 0.5,
      topK: ranks,
      correct: index === 0,
    }),
  );
  return header + lines.join("");
}

/** The fuzzer's file is the one that the result speaks of: its hash is right. */
function predictionsTarget(format: PredictionsFormat, tokens: RegExp, words: Target["words"]): Target {
  const texts = {
    "two lines": predictionLines(format, 2, 2),
    "twenty lines": predictionLines(format, 20, 1),
  };
  return {
    name: `predictions-${format}`,
    seeds: [
      ...Object.entries(texts).map(([name, text]) => ({
        name,
        bytes: Buffer.from(text),
        inner: textPieces(text, tokens),
      })),
      ...malformed(`.${format}`),
    ],
    words,
    codes: /^ERR_(FILE_READ|FILE_EMPTY|PREDICTIONS_LINE)$/,
    onDisk: true,
    async read(bytes, path) {
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      let last = -1;
      for await (const { index, probability, topK } of readPredictions(path, { sha256, format })) {
        const isShare = probability === null ? topK.length === 0 : probability >= 0 && probability <= 1;
        if (!(index > last && isShare && (probability === null || topK.length > 0)))
          return `read a prediction of image ${index}`;
        last = index;
      }
      return undefined;
    },
  };
}

const NAMES = "circle\nsquare \r\ntriangle\nÅngström\n";

const classNames: Target = {
  name: "class-names",
  seeds: [
    { name: "four names", bytes: Buffer.from(NAMES), inner: textPieces(NAMES, /\S+|\s/g) },
    ...malformed(".names.txt"),
  ],
  words: [Buffer.from("\ufeff"), "\x1b[2J", "\r", "\n\n\n", "\x00", "a".repeat(10_000)],
  codes: /^ERR_(FILE_READ|FILE_EMPTY|CLASSES_FILE)$/,
  onDisk: true,
  async read(_, path) {
    const names = await readClassNames(path);
    const fit =
      new Set(names).size === names.length && names.every((name) => name !== "" && !/\p{Cc}/u.test(name));
    return fit ? undefined : `read ${JSON.stringify(names)}`;
  },
};

const ANSWERS = {
  "classes.csv": '\ufeffImageId,Label\r\n1,3\r\n"2",0\r\n3,cat\r\n',
  "probabilities.csv": "id;p0;p1;p2;actual\n0;0.25;0.5;0.25;1\n1;1;0;0;0\n",
  "logits.ndjson": '{"index":0,"logits":[1.5,-2,0],"label":2}\n{"index":1,"logits":[0,1e3,2],"label":1}\n',
  "savetxt.csv": "# classes\n3.000000000000000000e+00\n1.000000000000000000e+00\n",
};

const answers: Target = {
  name: "answers",
  seeds: [
    ...Object.entries(ANSWERS).map(([name, text]) => ({
      name,
      bytes: Buffer.from(text),
      inner: textPieces(text, /[^,;\n]+|[,;\n]/g),
    })),
    { name: "classes.npy", bytes: npyBytes([3], [1, 0, 2]) },
    { name: "values.npy", bytes: npyFloats([2, 3], [0.5, 0.25, 0.25, 1, 0, 0]) },
    { name: "classes.csv.gz", bytes: gzipSync(ANSWERS["classes.csv"]) },
  ],
  words: ["prediction", "actual", "p1", '""', '"', "1e999", "-0", "\r", "id", "1024", "dog", "{}", "#", "\t"],
  codes: /^ERR_(FILE_READ|FILE_EMPTY|ANSWERS_FORMAT|ANSWERS_ROW|GZIP_CORRUPT|GZIP_TRAILING|NPY_\w+|IDX_\w+)$/,
  onDisk: true,
  async read(_, path) {
    for (const purpose of ["predictions", "labels"] as const) {
      const options = { purpose, classNames: ["dog", "mouse", "cat"] };
      const { rows, ids, predictions, labels, values } = await readAnswers(path, options);
      const lengths = [ids, predictions, labels].map((column) => column?.length ?? rows);
      if (lengths.some((length) => length !== rows)) return `read columns of ${lengths} rows`;
      if (values !== undefined && values.values.length !== rows * values.classes)
        return "read a matrix with holes";
      if (rows === 0 || [...(predictions ?? []), ...(labels ?? [])].some((one) => one > 1023))
        return "read no class";
    }
    return undefined;
  },
};

export const DOCUMENT_TARGETS: readonly Target[] = [
  config,
  checks,
  result,
  predictionsTarget("ndjson", JSON_TOKENS, JSON_WORDS),
  predictionsTarget("csv", /[^,\n]+|,|\n/g, [
    "top3Class",
    "1e999",
    "-0",
    ",".repeat(5_000),
    "true",
    "\x1b[31m",
    "0x10",
    "__proto__",
  ]),
  classNames,
  answers,
];
