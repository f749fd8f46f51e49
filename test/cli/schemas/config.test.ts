import { readFile } from "node:fs/promises";
import test from "ava";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { evaluateCommand } from "#src/cli/commands/evaluate.js";
import { CONFIG_KEYS, PATH_KEYS, SUBJECT_KEYS } from "#src/cli/schemas/config.js";
import { validate } from "../../helpers/published-schemas.js";

const PROGRAM_KEYS = ["logLevel", "quiet", "color"];

test("every option of evaluate has its key, and there is no other", (t) => {
  const command = evaluateCommand(
    async () => {},
    () => {},
  );
  const names = new Set(command.options.map((option) => option.attributeName()));
  t.deepEqual([...CONFIG_KEYS].sort(), [...names, ...PROGRAM_KEYS, "$schema"].sort());
});

test("every option of evaluate that takes a path is read from the file's folder", (t) => {
  const command = evaluateCommand(
    async () => {},
    () => {},
  );
  const paths = command.options.filter(({ flags }) => /<.*\b(file|dir)\b.*>/.test(flags));
  t.deepEqual([...new Set(paths.map((option) => option.attributeName()))].sort(), [...PATH_KEYS].sort());
});

test("the keys that other commands take are keys", (t) => {
  for (const key of SUBJECT_KEYS) t.true(CONFIG_KEYS.includes(key));
});

test("the published schema has these keys and allows no other", async (t) => {
  const schema = JSON.parse(await readFile(new URL("schemas/config.schema.json", PACKAGE_ROOT), "utf8"));
  t.deepEqual(Object.keys(schema.properties), CONFIG_KEYS);
  t.false(schema.additionalProperties);
  t.is(schema.required, undefined);
  for (const [key, { description }] of Object.entries<{ description?: string }>(schema.properties)) {
    t.truthy(description, key);
  }
});

test("an editor's validator takes what we take, and refuses what we refuse", (t) => {
  const taken = {
    $schema: "config.schema.json",
    threads: 0,
    labels: false,
    output: ["a.json"],
    timeout: 0.5,
  };
  t.deepEqual(validate("config", taken), []);
  for (const refused of [
    { thread: 1 },
    { threads: -1 },
    { engine: "sim" },
    { labels: true },
    { output: "a" },
  ]) {
    t.not(validate("config", refused).length, 0, JSON.stringify(refused));
  }
});
