/** CIFAR's binary files of random pixels. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { seeded } from "./random.js";
import { type Teardown, temporaryFolder } from "./temporary.js";

export const CIFAR_INPUTS = 3_072;

/** Records of labels, the last of which is the class, and pixels (channels, rows, columns); and both as they are read. */
export function cifarRecords(count: number, seed = 1, labelsEach = 1) {
  const random = seeded(seed);
  const bytes = new Uint8Array(count * (labelsEach + CIFAR_INPUTS));
  const labels = new Uint8Array(count);
  /** (count, rows, columns, channels). */
  const pixels = new Uint8Array(count * CIFAR_INPUTS);
  for (let n = 0; n < count; n++) {
    const at = n * (labelsEach + CIFAR_INPUTS) + labelsEach;
    labels[n] = Math.floor(random() * 10);
    bytes[at - 1] = labels[n]!;
    for (let place = 0; place < 1_024; place++) {
      for (let channel = 0; channel < 3; channel++) {
        const value = Math.floor(random() * 256);
        bytes[at + channel * 1_024 + place] = value;
        pixels[n * CIFAR_INPUTS + place * 3 + channel] = value;
      }
    }
  }
  return { bytes, labels, pixels };
}

export const CIFAR_NAMES = "airplane,automobile,bird,cat,deer,dog,frog,horse,ship,truck".split(",");

/** A folder as the archive has it, with `count` images a file. */
export async function cifarFolder(t: Teardown, count: number): Promise<string> {
  const folder = join(await temporaryFolder(t), "cifar-10-batches-bin");
  await mkdir(folder);
  await writeFile(join(folder, "batches.meta.txt"), `${CIFAR_NAMES.join("\n")}\n\n`);
  await writeFile(join(folder, "test_batch.bin"), cifarRecords(count, 100).bytes);
  for (let n = 1; n <= 5; n++) {
    await writeFile(join(folder, `data_batch_${n}.bin`), cifarRecords(count, n).bytes);
  }
  return folder;
}
