/** A suite of checks: which networks over which data, and what is demanded of each. */
import * as z from "zod";
import { SPLITS } from "#src/base/contracts/dataset.js";
import { decimalWithin, share, within } from "#src/base/contracts/fields.js";
import { ACTIVATIONS, ENGINES, NORMALIZATIONS } from "#src/base/contracts/network.js";
import { LIMITS } from "#src/evaluate/options.js";

const path = z.string().min(1);

const evaluation = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .max(200)
      .describe("What the table and the JUnit file call it; unlike all others."),
    dataset: path
      .optional()
      .describe(
        "A name, a folder, an IDX image file, a .npz file, a glob of IDX files, a manifest. Default: bundled.",
      ),
    labels: path.optional().describe("The label file, where the data set is an image file."),
    classes: path.optional().describe("A file of class names, one a line."),
    split: z.enum(SPLITS).optional(),
    invert: z.boolean().optional().describe("Each pixel p becomes 255 − p."),
    transpose: z.boolean().optional().describe("Rows and columns of each picture change places."),
    labelOffset: within(LIMITS.labelOffset).optional().describe("Added to each label."),
    weights: path.optional().describe("A name, a file, or a folder of .npy files. Default: bundled."),
    activation: z.enum(ACTIVATIONS).optional().describe("Of the hidden layers, where the file does not say."),
    normalize: z.enum(NORMALIZATIONS).optional().describe("Where the file does not say."),
    mean: decimalWithin(LIMITS.mean).optional().describe("Of pixels ÷ 255; std stands beside it."),
    std: decimalWithin(LIMITS.std).optional().describe("Of pixels ÷ 255; mean stands beside it."),
    strict: z.boolean().optional().describe("Default: the suite's."),
    engine: z.enum(ENGINES).optional(),
    offset: within(LIMITS.offset).optional().describe("The first image."),
    limit: within(LIMITS.limit).optional().describe("At most so many images."),
    batchSize: within(LIMITS.batchSize).optional(),
    minAccuracy: share.optional(),
    expectAccuracy: share.optional().describe("The accuracy, to the places given, at least 4."),
    minClassRecall: share.optional().describe("Of every class that has images."),
    baseline: path.optional().describe("A result of the same images, below which not to fall."),
    maxRegression: share
      .optional()
      .describe("How far the accuracy may lie below the baseline's. Default: 0."),
  })
  .refine(({ baseline, maxRegression }) => baseline !== undefined || maxRegression === undefined, {
    path: ["maxRegression"],
    message: "expected a baseline beside it, found none",
  });

/** Paths are relative to the suite's file. */
export const checksSchema = z
  .strictObject({
    $schema: z.string().optional(),
    threads: within(LIMITS.threads).optional().describe("Default: one a core."),
    timeoutSeconds: decimalWithin(LIMITS.timeoutSeconds)
      .optional()
      .describe("Of one task: a batch, with simd some hundred. Default: 30."),
    retries: within(LIMITS.retries).optional().describe("How often a failed batch is run again. Default: 2."),
    offline: z.boolean().optional().describe("Download nothing."),
    strict: z.boolean().optional().describe("Refuse to evaluate on assumptions. Default: false."),
    evaluations: z.array(evaluation).min(1),
  })
  .refine(({ evaluations }) => new Set(evaluations.map(({ name }) => name)).size === evaluations.length, {
    path: ["evaluations"],
    message: "expected names that differ, found one twice",
  })
  .meta({ title: "Batchwise: a suite of checks" });

export type Checks = z.infer<typeof checksSchema>;
export type CheckedEvaluation = Checks["evaluations"][number];
