/** What a terminal shows: colours, greys, the line of a download. */
import test from "ava";
import { paintFor } from "#src/cli/terminal/cells.js";
import { downloadText } from "#src/cli/terminal/displays.js";
import { type ColourStream, colourLevel } from "#src/cli/terminal/paint.js";
import { runCli } from "../../helpers/cli.js";

const PIPE: ColourStream = {};
const terminal = (depth: number): ColourStream => ({ isTTY: true, getColorDepth: () => depth });

test("colours a terminal as far as it can show, and nothing else", (t) => {
  t.deepEqual(
    [1, 4, 8, 24].map((depth) => colourLevel(terminal(depth), true, {})),
    [0, 1, 2, 3],
  );
  t.is(colourLevel(PIPE, true, {}), 0);
});

test("NO_COLOR with any word in it forbids, and empty says nothing", (t) => {
  for (const word of ["1", "0", "false"]) t.is(colourLevel(terminal(24), true, { NO_COLOR: word }), 0);
  t.is(colourLevel(terminal(24), true, { NO_COLOR: "" }), 3);
});

test("FORCE_COLOR sets the level, also where there is no terminal, and empty says nothing", (t) => {
  const levels = { "0": 0, false: 0, "1": 1, true: 1, yes: 1, "2": 2, "3": 3 } as const;
  for (const [word, level] of Object.entries(levels)) {
    t.is(colourLevel(PIPE, true, { FORCE_COLOR: word }), level, word);
    t.is(colourLevel(terminal(8), true, { FORCE_COLOR: word }), level, word);
  }
  t.is(colourLevel(PIPE, true, { FORCE_COLOR: "" }), 0);
  t.is(colourLevel(terminal(8), true, { FORCE_COLOR: "" }), 2);
});

test("NO_COLOR and --no-color go before FORCE_COLOR", (t) => {
  const both = { FORCE_COLOR: "2", NO_COLOR: "1" };
  t.is(colourLevel(PIPE, true, both), 0);
  t.is(colourLevel(terminal(24), false, { FORCE_COLOR: "2" }), 0);
});

test("a terminal is asked without the two variables, which were looked at before", (t) => {
  const asked: object[] = [];
  const stream = { isTTY: true, getColorDepth: (env: object) => asked.push(env) && 8 };
  colourLevel(stream, true, { TERM: "xterm", NO_COLOR: "", FORCE_COLOR: "" });
  t.deepEqual(asked, [{ TERM: "xterm" }]);
});

test("paints in greys from 256 colours on", (t) => {
  t.is(paintFor(1)(255, 255), "█");
  t.true(paintFor(2)(255, 0).includes("38;5;255"));
  t.is(paintFor(1)([255, 255, 255], [0, 0, 0]), "▀", "a bright pixel above a dark one");
  t.true(paintFor(2)([255, 0, 0], [0, 0, 255]).includes("38;5;196"), "of 256 colours");
  t.true(paintFor(3)([250, 1, 2], [3, 4, 5]).includes("38;2;250;1;2"), "true colour");
});

test("shows an image in greys where colour is forced, and in blocks where it is forbidden", async (t) => {
  const forced = (level: string) => ({ NO_COLOR: "", FORCE_COLOR: level });
  for (const [isGrey, env, ...args] of [
    [true, forced("3")],
    [true, forced("2")],
    [false, forced("1")],
    [false, forced("3"), "--no-color"],
    [false, { FORCE_COLOR: "2", NO_COLOR: "1" }],
    [false, { NO_COLOR: "1" }],
  ] as const) {
    const { stdout } = await runCli(["show", "0", ...args], { env });
    t.is(stdout.includes("\u001b[38;5;"), isGrey, JSON.stringify(env));
  }
});

test("tells a download's size, how much has come, and how fast", (t) => {
  const file = { name: "train-images-idx3-ubyte.gz", bytes: 9_912_422, sha256: "" };
  t.is(downloadText(file, 3_100_000, 12_400), "train-images-idx3-ubyte.gz  3.1 of 9.9 MB · 12.4 MB/s");
});
