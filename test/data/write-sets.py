"""Writes MNIST's 10,000 test images in every format of tables and arrays: write-sets.py MNIST_FOLDER OUTPUT_FOLDER."""
import gzip, os, pickle, struct, sys
import numpy as np
mnist, out = sys.argv[1:3]
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
np.save("x_test.npy", flat.astype("f8")); np.save("y_test.npy", t.astype("i8"))
pickle.dump({"train_img": flat[:9], "train_label": t[:9], "test_img": flat, "test_label": t}, open("mnist.pkl", "wb"), -1)
gzip.open("nielsen.pkl.gz", "wb", 6).write(pickle.dumps(((part[:9].reshape(9, -1), t[:9].astype("i8")), (part[:9].reshape(9, -1), t[:9].astype("i8")), (part.reshape(len(x), -1), t.astype("i8"))), 2))
def idx(name, code, a):
    open(name, "wb").write(struct.pack(">BBBB", 0, 0, code, a.ndim) + struct.pack(f">{a.ndim}I", *a.shape) + a.tobytes())
columns = np.zeros((len(t), 8), ">i4"); columns[:, 0] = t
idx("qmnist-images-idx3-ubyte", 8, x); idx("qmnist-labels-idx2-int", 12, columns)
idx("float-images", 13, part.astype(">f4")); idx("float-labels", 14, t.astype(">f8"))
try:
    import torch
    torch.save((torch.tensor(x), torch.tensor(t.astype("i8"))), "test.pt")
except ImportError: pass
