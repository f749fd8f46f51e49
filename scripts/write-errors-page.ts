/** Writes docs/errors.md. */
import { writeFile } from "node:fs/promises";
import { ERRORS_PAGE, errorsPage } from "./errors-page.js";

await writeFile(ERRORS_PAGE, errorsPage());
