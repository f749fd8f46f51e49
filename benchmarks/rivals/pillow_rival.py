"""Pillow: `write FOLDER PNGS JPEGS` makes two folders of pictures; `read FOLDER` decodes one and prints what that took."""
import glob
import json
import os
import resource
import sys
import time
import zlib

import numpy as np
import PIL
from PIL import Image


def write(folder, pngs, jpegs):
    draw = np.random.RandomState(1)
    y, x = np.mgrid[0:28, 0:28]
    for n in range(pngs):
        # A blurred stroke on black: as long as a digit's file.
        a, b, c = draw.uniform(-1, 1, 3)
        distance = np.abs(a * (x - 14) + b * (y - 14) + 4 * c) / np.hypot(a, b)
        ring = np.hypot(x - 14, y - 14) < 9
        save(f"{folder}/png/{n % 10}", f"{n:05d}.png", (np.clip(3 - distance, 0, 1) * ring * 255).astype("u1"))
    y, x = np.mgrid[0:224, 0:224]
    for n in range(jpegs):
        waves = np.stack([np.sin((x + n) / 9 + y / 13), np.cos((y + n) / 7), np.sin((x + y + n) / 11)], 2)
        pixels = np.clip(127 + 100 * waves + draw.normal(0, 12, waves.shape), 0, 255)
        save(f"{folder}/jpg/{n % 10}", f"{n:05d}.jpg", pixels.astype("u1"), quality=85)
    print(PIL.__version__)


def save(folder, name, pixels, **options):
    os.makedirs(folder, exist_ok=True)
    Image.fromarray(pixels).save(f"{folder}/{name}", **options)


def read(folder):
    began, before = time.perf_counter(), time.process_time()
    crc = 0
    for path in sorted(glob.glob(folder + "/*/*")):
        with Image.open(path) as image:
            crc = zlib.crc32(np.asarray(image.convert("L" if path.endswith("png") else "RGB")), crc)
    print(
        json.dumps(
            {
                "elapsedMs": 1000 * (time.perf_counter() - began),
                "cpuMs": 1000 * (time.process_time() - before),
                "peakRssMb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "crc": crc,
            }
        )
    )


if sys.argv[1] == "write":
    write(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
else:
    read(sys.argv[2])
