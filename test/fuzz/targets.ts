/** Every reader of files that may come from strangers; a new reader is one more in these lists. */
import type { Target } from "./target.js";
import { ARRAY_TARGETS } from "./targets/arrays.js";
import { DOCUMENT_TARGETS } from "./targets/documents.js";
import { DATASET_TARGETS } from "./targets/idx.js";
import { NETWORK_TARGETS } from "./targets/networks.js";
import { PARQUET_TARGETS } from "./targets/parquet.js";
import { PICKLE_TARGETS } from "./targets/pickles.js";
import { PICTURE_TARGETS } from "./targets/pictures.js";
import { RUN_TARGETS } from "./targets/runs.js";
import { STREAM_TARGETS } from "./targets/streams.js";
import { TABLE_TARGETS } from "./targets/tables.js";
import { TEXT_NETWORK_TARGETS } from "./targets/text-networks.js";

export const TARGETS: readonly Target[] = [
  ...DATASET_TARGETS,
  ...ARRAY_TARGETS,
  ...STREAM_TARGETS,
  ...TABLE_TARGETS,
  ...NETWORK_TARGETS,
  ...TEXT_NETWORK_TARGETS,
  ...PICKLE_TARGETS,
  ...PICTURE_TARGETS,
  ...PARQUET_TARGETS,
  ...DOCUMENT_TARGETS,
  ...RUN_TARGETS,
];
