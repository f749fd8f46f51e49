/** A manifest: the files of a data set, in their order. */
import * as z from "zod";
import { sha256 } from "#src/base/contracts/fields.js";

const LONGEST_CHARACTERS = 1_024;
/** Messages name files by their paths as they are: nothing in them may move a terminal's cursor. */
const PATH = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]+$/u;
const NO_PATH = "expected a path of letters, digits, punctuation and blanks";
/** Nearly the same without classes of Unicode, which the regular expressions of Python and Go do not know. */
const PORTABLE_PATH = new RegExp(
  `^[^${["\\u0000-\\u001f", "\\u007f-\\u009f", "\\u00ad", "\\u200b-\\u200f", "\\u2028-\\u202e", "\\u2060-\\u206f", "\\ufeff"].join("")}]+$`,
);
const path = z
  .string()
  .max(LONGEST_CHARACTERS)
  .regex(PORTABLE_PATH, NO_PATH)
  .refine((text) => PATH.test(text), NO_PATH);

/** Paths are relative to the manifest's folder. */
export const manifestSchema = z
  .array(
    z.strictObject({
      images: path.describe("An IDX file of images, gzipped or not."),
      labels: path
        .optional()
        .describe("The IDX file of their labels. Required unless images are predicted without labels."),
      sha256: sha256
        .optional()
        .describe(
          "SHA-256 of the image file's bytes followed by the label file's. It identifies the set in results. A run that reads both files whole checks it.",
        ),
    }),
  )
  .min(1)
  .meta({ title: "Batchwise: the files of a data set" });
