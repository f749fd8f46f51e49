/** The engines whose logits are float64's own; simd's are within a bound of these (simd.test.ts), its predictions equal. */
import { ENGINES } from "../../src/contracts/engine.js";

export const EXACT_ENGINES = ENGINES.filter((name) => name !== "simd");
