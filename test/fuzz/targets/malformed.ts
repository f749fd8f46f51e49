/** The files of fixtures/malformed as seeds: what was wrong once is a good place to look from. */
import { readdirSync, readFileSync } from "node:fs";
import { FIXTURES } from "#src/base/package.js";
import type { Seed } from "../target.js";

const FOLDER = new URL("malformed/", FIXTURES);

export function malformed(ending: string): Seed[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith(ending))
    .map((name) => ({ name, bytes: readFileSync(new URL(name, FOLDER)), isMalformed: true }));
}
