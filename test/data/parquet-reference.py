"""Writes parquet-reference.json: small Parquet files of pyarrow, base64, as Hugging Face's datasets lays them out."""

import base64, io, json, sys
import numpy as np, pyarrow as pa, pyarrow.parquet as pq
from PIL import Image

COUNT, SIDE = 8, 4
pixels = (np.arange(COUNT * SIDE * SIDE) % 256).astype("u1").reshape(COUNT, SIDE, SIDE)
labels = np.arange(COUNT, dtype="i8") % 3


def png(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def written(table, **options):
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    return base64.b64encode(file.getvalue()).decode()


features = {"image": {"_type": "Image"}, "label": {"names": ["cat", "dog", "owl"], "_type": "ClassLabel"}}
struct = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
pictures = pa.array([{"bytes": png(image), "path": None} for image in pixels], struct)
hf = pa.table({"image": pictures, "label": labels})
hf = hf.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
flat = lambda dtype, array: pa.array(list(array.reshape(COUNT, -1)), pa.list_(dtype))
texts = pa.array([["cat", "dog", "owl"][label] for label in labels])
files = {
    "snappy": written(hf, row_group_size=3),
    "zstd": written(hf, compression="zstd"),
    "gzip": written(hf, compression="gzip", data_page_version="2.0"),
    "lists": written(pa.table({"image": pa.array([image.tolist() for image in pixels]), "label": labels}), compression="none"),
    "flat": written(pa.table({"pixels": flat(pa.uint8(), pixels), "y": labels}), row_group_size=5),
    "floats": written(pa.table({"x": flat(pa.float32(), pixels.astype("f4") / 255), "kind": labels}), compression="brotli"),
    "normalized": written(pa.table({"x": flat(pa.float32(), pixels.astype("f4") / 100 - 0.5), "label": labels})),
    "texts": written(pa.table({"image": pa.array([png(image) for image in pixels]), "label": texts})),
    "holes": written(pa.table({"image": pictures, "label": pa.array([0, 1, None, 2, 0, -1, 0, 0])})),
    "ragged": written(pa.table({"image": pa.array([image.tolist() for image in pixels[:5]] + [[[1] * 8, [2] * 8]]), "label": labels[:6]})),
    "gaps": written(pa.table({"image": pa.array([image.tolist() for image in pixels[:5]] + [[[1, None, 3, 4]] * 4]), "label": labels[:6]})),
    "prefixes": written(pa.table({"image": pa.array([png(image) for image in pixels]), "label": texts}), use_dictionary=False, column_encoding={"label": "DELTA_BYTE_ARRAY", "image": "DELTA_LENGTH_BYTE_ARRAY"}),
    "deltas": written(pa.table({"pixels": flat(pa.uint8(), pixels), "y": labels}), use_dictionary=False, data_page_version="2.0", column_encoding={"y": "DELTA_BINARY_PACKED", "pixels.list.element": "DELTA_BINARY_PACKED"}),
    "split": written(pa.table({"image": pa.array([(image / 255).astype("f4").tolist() for image in pixels], pa.list_(pa.list_(pa.float32()))), "label": labels}), use_dictionary=False, use_byte_stream_split=["image.list.element.list.element"]),
    "halves": written(pa.table({"image": flat(pa.float16(), pixels.astype("f2")), "label": labels})),
    "tables": written(pa.table({"width": pa.array([1.0, 2.0]), "height": pa.array([1.0, 2.0])})),
}
json.dump(files, open(sys.argv[1], "w"), indent=1)
