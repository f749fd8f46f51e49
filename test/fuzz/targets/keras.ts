/** Reader of HDF5. */
import { readdirSync, readFileSync } from "node:fs";
import { FIXTURES } from "#src/base/package.js";
import { Hdf5Dataset } from "#src/files/formats/hdf5/dataset.js";
import { type Hdf5Group, openHdf5 } from "#src/files/formats/hdf5/group.js";
import type { Seed, Target } from "../target.js";

const FOLDER = new URL("keras/", FIXTURES);

function files(...endings: readonly string[]): Seed[] {
  return readdirSync(FOLDER)
    .filter((name) => endings.some((ending) => name.endsWith(ending)))
    .map((name) => ({ name, bytes: readFileSync(new URL(name, FOLDER)) }));
}

const ATTRIBUTES = ["model_config", "layer_names", "weight_names", "name", "long", "list", "fixed", "none"];
/** Most objects that a walk visits: links may lead back. */
const MAX_OBJECTS = 200;

/** Reads everything that links lead to. Answers with what is wrong with an array, or undefined. */
function wrongIn(root: Hdf5Group): string | undefined {
  const open = [root];
  let objects = 0;
  for (let group = open.pop(); group !== undefined && objects < MAX_OBJECTS; group = open.pop()) {
    for (const name of ATTRIBUTES) group.texts(name);
    for (const name of group.names().slice(0, MAX_OBJECTS)) {
      objects += 1;
      const member = group.get(name);
      if (member instanceof Hdf5Dataset) {
        const { shape, data } = member.array();
        if (data.length !== shape.reduce((product, size) => product * size, 1)) {
          return `read ${data.length} elements for ${shape}`;
        }
      } else if (member !== undefined) {
        open.push(member);
      }
    }
  }
  return undefined;
}

const hdf5: Target = {
  name: "hdf5",
  seeds: files(".h5", ".hdf5"),
  words: [
    ...["TREE", "SNOD", "HEAP", "GCOL", "OHDR", "OCHK", "\x89HDF"],
    "\xff".repeat(8),
    "\0".repeat(8),
    "\x10\0\x10\0\0\0\0\0",
    "\x08\0\x18\0\0\0\0\0\x03\x02\x03",
    "\x0b\0\x10\0\0\0\0\0\x01\x01",
    "\xff\xff\xff\xff\xff\xff\x1f\0",
  ],
  codes: /^ERR_(HDF5_\w+|ARRAY_DTYPE|WEIGHTS_SIZE)$/,
  onDisk: false,
  async read(bytes, path) {
    return wrongIn(openHdf5(path, bytes));
  },
};

export const KERAS_TARGETS: readonly Target[] = [hdf5];
