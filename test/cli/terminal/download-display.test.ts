import test from "ava";
import { downloadText } from "#src/cli/terminal/displays.js";

test("tells a download's size, how much has come, and how fast", (t) => {
  const file = { name: "train-images-idx3-ubyte.gz", bytes: 9_912_422, sha256: "" };
  t.is(downloadText(file, 3_100_000, 12_400), "train-images-idx3-ubyte.gz  3.1 of 9.9 MB · 12.4 MB/s");
});
