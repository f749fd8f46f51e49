/** `node dist/test/fuzz/named.js`: a table of the malformed files, what each is refused with, and in how much memory. */
import { stdout } from "node:process";
import { baselinePeak, namedFiles } from "../helpers/named-files.js";

const LONGEST_LINE = 140;

const megabytes = (bytes: number | undefined) =>
  bytes === undefined ? "" : `${(bytes / 2 ** 20).toFixed(0)} MB`;
const cell = (text: string) => text.replaceAll("|", "\\|");

stdout.write(
  `A run that ends before it reads anything has ${megabytes(await baselinePeak())} at its peak.\n\n`,
);
stdout.write("| file | bytes | status | line | peak |\n| --- | --: | --: | --- | --: |\n");
for await (const { name, bytes, status, said, peakBytes } of namedFiles()) {
  const line = said.length > LONGEST_LINE ? `${said.slice(0, LONGEST_LINE)}…` : said;
  stdout.write(`| ${name} | ${bytes} | ${status} | ${cell(line)} | ${megabytes(peakBytes)} |\n`);
}
