/** Draws into docs/architecture.md which room imports which. */
import { writeFile } from "node:fs/promises";
import { drawImports, PAGE } from "./import-drawing.js";

const { found, expected } = await drawImports();
if (found !== expected) await writeFile(PAGE, expected);
