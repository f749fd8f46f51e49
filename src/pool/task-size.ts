/** How many batches one message to a worker carries. */
import type { EngineName } from "#src/base/contracts/engine.js";
import type { Executor } from "#src/base/contracts/executor.js";
import type { TaskPlan } from "./plan.js";

/** So many batches of 100 take the simd engine some 10 ms, of which their dispatch is one hundredth. */
const LANE_BATCHES = 100;

/**
 * One batch a task, but for simd, whose batches take less time than a message: there all lanes share long tasks, unless
 * it computes by the reference.
 */
export function taskPlanFor(
  engine: EngineName,
  { capacity: lanes, fallbacks = [] }: Pick<Executor, "capacity" | "fallbacks">,
): TaskPlan {
  const isQuick = engine === "simd" && fallbacks.every((fallback) => fallback === undefined);
  return isQuick ? { sizeOf: () => LANE_BATCHES * lanes, lanes } : { sizeOf: () => 1, lanes: 1 };
}
