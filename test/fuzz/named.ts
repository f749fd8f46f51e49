/** `node dist/test/fuzz/named.js`: a table of the malformed files, what each is refused with, and in how much memory. */
import { stdout } from "node:process";
import { namedFiles } from "../helpers/named-files.js";

const LONGEST_LINE = 140;

const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MB`;
const cell = (text: string) => text.replaceAll("|", "\\|");

stdout.write("| file | bytes | status | line | more at the peak |\n| --- | --: | --: | --- | --: |\n");
for (const { name, bytes, status, said, growthBytes } of await namedFiles()) {
  const line = said.length > LONGEST_LINE ? `${said.slice(0, LONGEST_LINE)}…` : said;
  stdout.write(`| ${name} | ${bytes} | ${status} | ${cell(line)} | ${megabytes(growthBytes)} |\n`);
}
