/** The parts of the soak, in the order in which they run. */
import { crashingWorkers } from "./crashing-workers.js";
import { manyEvaluations } from "./many-evaluations.js";
import { manyImages } from "./many-images.js";
import type { Part } from "./part.js";
import { sideBySide } from "./side-by-side.js";

export const PARTS: readonly Part[] = [manyImages, crashingWorkers, sideBySide, manyEvaluations];
