/** Readers of tables of pixels. */
import { gzipSync } from "node:zlib";
import { imageBytes } from "#src/base/contracts/dataset.js";
import { openCsvSet } from "#src/data/csv-set.js";
import { collectSlab } from "#src/data/stream/slab-reader.js";
import type { Seed, Target } from "../target.js";
import { gzipped } from "./idx.js";

const HEADED = "label,pixel0,pixel1,pixel2,pixel3\n7,0,1,200,255\n0,9,8,7,60\n";
const TABLES: Readonly<Record<string, string>> = {
  headed: HEADED,
  "without names": "7,0,1,200,255\n0,9,8,7,60\n",
  "carriage returns": HEADED.replaceAll("\n", "\r\n"),
  quotes: HEADED.replace(/[^,\n]+/g, '"$&"'),
  "parts of 1": "7\t0.5019608\t1\t0\t1.0\n3\t0\t0\t2e-1\t1\n",
  colours: `5;${Array.from({ length: 12 }, (_, n) => n).join(";")}\n`,
};

const table: Target = {
  name: "csv-set",
  seeds: [
    ...Object.entries(TABLES).map(([name, text]): Seed => ({ name, bytes: Buffer.from(text) })),
    gzipped("gzipped", Buffer.from(HEADED)),
    { name: "members", bytes: Buffer.concat([gzipSync(HEADED), gzipSync(HEADED)]) },
  ],
  words: [
    "\n",
    "\r",
    ",",
    '"',
    "1e9",
    "0.5",
    "\ufeff",
    "-",
    "label",
    "1x1",
    "999999999999999999999",
    ",".repeat(300),
  ],
  codes: /^ERR_(FILE_READ|FILE_EMPTY|DATASET_FORMAT|CSV_ROW|GZIP_\w+)$/,
  onDisk: true,
  async read(_, path) {
    const given = { name: "set", split: "test", classNames: undefined } as const;
    const set = await openCsvSet(path, given, true);
    const { shape, total } = set.facts;
    const { pixels, labels } = await collectSlab(set, { offset: 0, limit: total });
    const isWhole = pixels.length === total * imageBytes(shape) && labels.length === total && total > 0;
    return isWhole
      ? undefined
      : `read ${pixels.length} pixels and ${labels.length} labels for ${total} images`;
  },
};

export const TABLE_TARGETS: readonly Target[] = [table];
