/** Writes docs/cli.md. */
import { writeFile } from "node:fs/promises";
import { CLI_PAGE, cliPage } from "./cli-page.js";

await writeFile(CLI_PAGE, await cliPage());
