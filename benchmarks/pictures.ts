/** Folders of small pictures: Batchwise's reader against Pillow, over the same files, to the same pixels. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { markdownTable, median } from "./harness.js";
import type { Question } from "./question.js";
import { BENCHMARKS } from "./rivals/installed.js";

const PNG_FILES = 60_000;
const JPEG_FILES = 1_000;
const SCRIPT = fileURLToPath(new URL("rivals/pillow_rival.py", BENCHMARKS));
const READER = fileURLToPath(new URL("programs/read-pictures.mjs", BENCHMARKS));

/** What both programs print. */
interface Sample {
  readonly elapsedMs: number;
  readonly cpuMs: number;
  readonly peakRssMb: number;
  /** CRC-32 of all pixels in the order of the files. */
  readonly crc: number;
}

export const question: Question = {
  asks: "how soon is a folder of pictures read, beside Pillow?",
  rounds: 5,
  async answer(bench) {
    const folder = mkdtempSync(join(tmpdir(), "batchwise-"));
    try {
      const made = spawnSync("python3", [SCRIPT, "write", folder, `${PNG_FILES}`, `${JPEG_FILES}`], {
        encoding: "utf8",
      });
      if (made.status !== 0) {
        bench.skip("Pillow", "python3 with Pillow and NumPy is not here");
        return [];
      }
      bench.uses("Pillow", made.stdout.trim());
      bench.note(
        "Programs of their own take turns, one thread each, files in the page cache. Every pass of both gives the same CRC-32 of all pixels.",
      );
      const sets = [
        [`${PNG_FILES} PNG, 28 × 28, grey`, "png", PNG_FILES],
        [`${JPEG_FILES} JPEG, 224 × 224, colours`, "jpg", JPEG_FILES],
      ] as const;
      return sets.map(([title, name, files]) => {
        const path = join(folder, name);
        const samples = { Batchwise: [] as Sample[], Pillow: [] as Sample[] };
        for (let round = 0; round < bench.rounds; round++) {
          samples.Batchwise.push(sampleOf(process.execPath, [READER, path]));
          samples.Pillow.push(sampleOf("python3", [SCRIPT, "read", path]));
        }
        const crcs = new Set(Object.values(samples).flatMap((taken) => taken.map(({ crc }) => crc)));
        assert.equal(crcs.size, 1, "both read the same pixels");
        const rows = Object.entries(samples).map(([reader, taken]) => {
          const of = (key: keyof Sample) => median(taken.map((sample) => sample[key]));
          const perSecond = Math.round((1000 * files) / of("elapsedMs"));
          return [reader, perSecond, ((1000 * of("cpuMs")) / files).toFixed(0), of("peakRssMb").toFixed(0)];
        });
        const columns = ["", "pictures/s", "processor µs a picture", "peak RSS, MB"];
        return { title, table: markdownTable(columns, rows), data: samples };
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

function sampleOf(program: string, args: readonly string[]): Sample {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}
