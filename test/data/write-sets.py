"""Writes MNIST's 10,000 test images in every format of tables and arrays: write-sets.py MNIST_FOLDER OUTPUT_FOLDER [PICTURES]."""
import gzip, os, pickle, struct, sys
import numpy as np
mnist, out = sys.argv[1:3]
# Of this many images PNG files are written.
count_of_pictures = int(sys.argv[3]) if len(sys.argv) > 3 else 0
read = lambda name: np.frombuffer(gzip.open(os.path.join(mnist, name)).read(), np.uint8)
x = read("t10k-images-idx3-ubyte.gz")[16:].reshape(-1, 28, 28)
t = read("t10k-labels-idx1-ubyte.gz")[8:]
os.chdir(out)
part = (x / 255).astype("f4")
flat = x.reshape(len(x), -1)
rows = [",".join(map(str, r)) for r in flat]
names = ",".join(f"pixel{i}" for i in range(784))
with open("train.csv", "w") as f: f.write("label," + names + "\n" + "".join(f"{a},{r}\n" for a, r in zip(t, rows)))
with open("openml.csv", "w", newline="") as f: f.write("\ufeff" + names.replace(",", ";") + ";class\r\n" + "".join(f"{r};{a}\r\n" for a, r in zip(t, rows)).replace(",", ";"))
with open("mnist_test.tsv", "w") as f: f.write("".join(f"{a}\t{r}\n" for a, r in zip(t, rows)).replace(",", "\t"))
with gzip.open("test.csv.gz", "wt", 6) as f: f.write("label," + names + "\n" + "".join(f"{a},{r}\n" for a, r in zip(t, rows)))
np.savetxt("parts.csv", np.c_[t, flat / 255], "%.7g", ",")
np.savez("keras.npz", x_test=x, y_test=t)
np.savez_compressed("medmnist.npz", train_images=x[:5], train_labels=t[:5, None], test_images=x, test_labels=t[:, None])
np.savez("one_hot.npz", x_test=part[..., None], y_test=np.eye(10)[t])
np.savez("arr.npz", x, t)
np.savez("fortran.npz", x_test=np.asfortranarray(x), y_test=t)
np.savez_compressed("bytes_as_floats.npz", x_test=x[:, None].astype("f4"), y_test=t.astype("f8"))
np.savez("transposed.npz", x_test=np.ascontiguousarray(flat.T).T, y_test=np.asfortranarray(np.eye(10, dtype="u1")[t]))
np.save("x_test.npy", flat.astype("f8")); np.save("y_test.npy", t.astype("i8"))
pickle.dump({"train_img": flat[:9], "train_label": t[:9], "test_img": flat, "test_label": t}, open("mnist.pkl", "wb"), -1)
gzip.open("nielsen.pkl.gz", "wb", 6).write(pickle.dumps(((part[:9].reshape(9, -1), t[:9].astype("i8")), (part[:9].reshape(9, -1), t[:9].astype("i8")), (part.reshape(len(x), -1), t.astype("i8"))), 2))
def idx(name, code, a):
    open(name, "wb").write(struct.pack(">BBBB", 0, 0, code, a.ndim) + struct.pack(f">{a.ndim}I", *a.shape) + a.tobytes())
columns = np.zeros((len(t), 8), ">i4"); columns[:, 0] = t
idx("qmnist-images-idx3-ubyte", 8, x); idx("qmnist-labels-idx2-int", 12, columns)
idx("float-images", 13, part.astype(">f4")); idx("float-labels", 14, t.astype(">f8"))
try:
    import pyarrow as pa, pyarrow.parquet as pq
    def lists(array, type):
        out = pa.array(array.reshape(-1), type)
        for size in array.shape[:0:-1]: out = pa.ListArray.from_arrays(pa.array(np.arange(0, len(out) + 1, size), pa.int32()), out)
        return out
    labels = pa.array(t.astype("i8"))
    pq.write_table(pa.table({"image": lists(x, pa.uint8()), "label": labels}), "nested.parquet", row_group_size=1000)
    pq.write_table(pa.table({"image": lists(x[:, None], pa.uint8()), "label": labels}), "channels.parquet", compression="zstd")
    pq.write_table(pa.table({"x": lists(part.reshape(len(x), -1), pa.float32()), "y": labels}), "flat.parquet", use_dictionary=False, data_page_version="2.0")
except ImportError: pass
if count_of_pictures:
    from PIL import Image
    for n in range(count_of_pictures):
        folder = f"pictures/{t[n]}"; os.makedirs(folder, exist_ok=True)
        Image.fromarray(x[n]).save(f"{folder}/{n}.png", compress_level=1)
try:
    import torch
    torch.save((torch.tensor(x), torch.tensor(t.astype("i8"))), "test.pt")
    torch.save({"images": torch.tensor(part.transpose(0, 2, 1)).transpose(1, 2), "labels": torch.tensor(t)}, "turned.pt")
except ImportError: pass
