/** Readers of tables of pixels. */
import { gzipSync } from "node:zlib";
import { openCsvSet } from "#src/data/csv-set.js";
import type { Seed, Target } from "../target.js";
import { GIVEN, readSet } from "./arrays.js";
import { gzipped } from "./idx.js";
import { malformed } from "./malformed.js";

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
    ...malformed(".set.csv"),
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
  read: (_, path) => readSet(openCsvSet(path, GIVEN, true)),
};

export const TABLE_TARGETS: readonly Target[] = [table];
