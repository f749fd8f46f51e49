/** PNG and JPEG pictures and their resizing, held against Pillow and PyTorch. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { decodePicture, type Picture } from "#src/data/pictures/decode.js";
import { resizeInto } from "#src/data/pictures/resize.js";
import { pythonWith, runPython } from "../../helpers/python.js";
import { needs } from "../../helpers/require.js";
import { temporaryFolder } from "../../helpers/temporary.js";

const python = pythonWith("PIL", "torch");
const withTorch = needs("torch", python !== undefined);

interface Made {
  readonly name: string;
  readonly channels: number;
  /** Columns × rows of the resized ones. */
  readonly sizes: readonly (readonly [columns: number, rows: number])[];
}

/** Modes and depths of PNG, encodings of JPEG; raw pixels beside each, and resized by Pillow and as TensorFlow does. */
const MAKE = `
import json, sys
import numpy as np, torch
from PIL import Image
out = sys.argv[1]
draw = np.random.RandomState(5)
y, x = np.mgrid[0:37, 0:29]
smooth = np.stack([127 + 100 * np.sin(x / 9 + y / 13), 127 + 90 * np.cos(y / 7), 127 + 80 * np.sin((x + y) / 11)], 2).astype("u1")
noise = draw.randint(0, 256, (37, 29, 3)).astype("u1")
made = []
turned = Image.Exif()
turned[0x112] = 6
sizes = [(14, 14), (29, 50), (40, 8), (7, 37)]
for kind, pixels in (("smooth", smooth), ("noise", noise)):
    image = Image.fromarray(pixels)
    alpha = Image.fromarray(np.dstack([pixels, draw.randint(0, 256, (37, 29)).astype("u1")]))
    files = {
        "rgb.png": (image, {}), "l.png": (image.convert("L"), {}), "1.png": (image.convert("1"), {}),
        "p.png": (image.convert("P", palette=Image.ADAPTIVE), {}), "rgba.png": (alpha, {}), "la.png": (alpha.convert("LA"), {}),
        "444.jpg": (image, dict(quality=95, subsampling=0)), "422.jpg": (image, dict(quality=75, subsampling=1)),
        "420.jpg": (image, dict(quality=75, subsampling=2)), "progressive.jpg": (image, dict(quality=80, progressive=True)),
        "grey.jpg": (image.convert("L"), dict(quality=80)),
        "grey-progressive.jpg": (image.convert("L"), dict(quality=30, progressive=True)), "turned.jpg": (image, dict(exif=turned)),
    }
    for name, (picture, options) in files.items():
        path = f"{out}/{kind}-{name}"
        picture.save(path, **options)
        opened = Image.open(path)
        mode = "L" if opened.mode in ("L", "1", "LA") else "RGB"
        opened = opened.convert(mode)
        open(path + ".raw", "wb").write(np.asarray(opened).tobytes())
        planes = torch.tensor(np.asarray(opened, "f4").reshape(37, 29, -1).transpose(2, 0, 1)[None])
        for columns, rows in sizes if path.endswith("png") else []:
            name_of = f"{path}.{columns}x{rows}"
            open(name_of + ".pillow", "wb").write(np.asarray(opened.resize((columns, rows), Image.BILINEAR)).tobytes())
            resized = torch.nn.functional.interpolate(planes, (rows, columns), mode="bilinear", align_corners=False)
            open(name_of + ".keras", "wb").write(np.floor(resized[0].numpy().transpose(1, 2, 0) + 0.5).astype("u1").tobytes())
        made.append({"name": f"{kind}-{name}", "channels": len(mode), "sizes": sizes if path.endswith("png") else []})
print(json.dumps(made))`;

withTorch(
  "decodes PNG and JPEG to the bytes of Pillow, whatever EXIF says, and resizes as Pillow and TensorFlow do",
  async (t) => {
    const folder = await temporaryFolder(t);
    const all = runPython(python, MAKE, folder) as readonly Made[];
    t.is(all.length, 26);
    for (const { name, channels, sizes } of all) {
      const path = join(folder, name);
      const picture = await decodePicture(await readFile(path), path);
      t.is(picture.channels, channels, name);
      t.is(picture.isClear, /rgba|la\.png/.test(name), name);
      t.is(distance(picture.pixels, await readFile(`${path}.raw`)), 0, name);
      for (const size of sizes) await assertResized(t, picture, path, size);
    }
  },
);

async function assertResized(
  t: ExecutionContext,
  picture: Picture,
  path: string,
  [columns, rows]: readonly [number, number],
): Promise<void> {
  for (const how of ["pillow", "keras"] as const) {
    const out = new Uint8Array(columns * rows * picture.channels);
    resizeInto(picture, how, rows, columns, out, 0);
    const name = `${path}.${columns}x${rows}.${how}`;
    // Half of a byte can be rounded either way.
    t.true(distance(out, await readFile(name)) <= (how === "pillow" ? 0 : 1), name);
  }
}

function distance(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  return a.reduce((most, value, n) => Math.max(most, Math.abs(value - b[n]!)), 0);
}
