/** Schema of a suite of checks: evaluations and their gates. */

import * as z from "zod";
import { GATE_OPTIONS } from "#src/base/options/answer.js";
import { PATH_TYPE } from "#src/base/options/define.js";
import { DATA_OPTIONS } from "#src/base/options/images.js";
import { NETWORK_OPTIONS } from "#src/base/options/network.js";
import { RUN_OPTIONS } from "#src/base/options/run.js";
import { type Message, optionsShape } from "#src/base/options/schema.js";
import { valueText } from "#src/base/text.js";

const { offline, strict, ...network } = NETWORK_OPTIONS;
const { engine, batchSize, threads, timeoutSeconds, retries } = RUN_OPTIONS;
const LONGEST_FOUND = 60;

const message: Message = (expected, found) =>
  `expected ${expected}, found ${valueText(found, LONGEST_FOUND)}`;

/** Options of one evaluation. Gates need labels, so `labels` is never false. */
const EVALUATION = {
  ...DATA_OPTIONS,
  labels: { ...DATA_OPTIONS.labels, type: PATH_TYPE },
  ...network,
  strict,
  engine,
  batchSize,
  ...GATE_OPTIONS,
};

const evaluation = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .max(200)
      .describe("Name in the table and in the JUnit file; unique in the suite."),
    ...optionsShape(EVALUATION, message),
  })
  .refine(({ baseline, maxRegression }) => baseline !== undefined || maxRegression === undefined, {
    path: ["maxRegression"],
    message: "expected a baseline beside it, found none",
  });

/** Schema of a suite. Paths are relative to the suite's file. */
export const checksSchema = z
  .strictObject({
    $schema: z.string().optional(),
    ...optionsShape({ threads, timeoutSeconds, retries, offline, strict }, message),
    evaluations: z.array(evaluation).min(1),
  })
  .refine(({ evaluations }) => new Set(evaluations.map(({ name }) => name)).size === evaluations.length, {
    path: ["evaluations"],
    message: "expected names that differ, found one twice",
  })
  .meta({ title: "Batchwise: a suite of checks" });

export type Checks = z.infer<typeof checksSchema>;
export type CheckedEvaluation = Checks["evaluations"][number];
