/** The reader of Parquet files. */
import { readFileSync } from "node:fs";
import { imageBytes } from "#src/base/contracts/dataset.js";
import { openParquetSet } from "#src/data/parquet-set.js";
import { collectSlab } from "#src/data/stream/slab-reader.js";
import type { Target } from "../target.js";
import { malformed } from "./malformed.js";

const files: Readonly<Record<string, string>> = JSON.parse(
  readFileSync("test/data/parquet-reference.json", "utf8"),
);

const parquet: Target = {
  name: "parquet-set",
  seeds: [
    ...Object.entries(files).map(([name, text]) => ({ name, bytes: Buffer.from(text, "base64") })),
    ...malformed(".set.parquet"),
  ],
  words: ["PAR1", Buffer.of(0xff, 0xff, 0xff, 0x7f), Buffer.of(0x15, 0xfe, 0xff, 0xff, 0xff, 0x0f)],
  codes: /^ERR_(FILE_READ|FILE_EMPTY|DATASET_FORMAT|DATASET_SHAPE|LABEL_RANGE|PICTURE_\w+|MEMORY)$/,
  onDisk: true,
  async read(_, path) {
    const set = await openParquetSet([path], { name: "set", split: "test", classNames: undefined }, true);
    const { shape, total } = set.facts;
    const { pixels, labels } = await collectSlab(set, { offset: 0, limit: total });
    const isWhole = pixels.length === total * imageBytes(shape) && labels.length === total;
    return isWhole ? undefined : `read ${pixels.length} pixels for ${total} images`;
  },
};

export const PARQUET_TARGETS: readonly Target[] = [parquet];
