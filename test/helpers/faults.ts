/** The long half of the matrix of faults: what only `npm run test:faults`, which sets BATCHWISE_KILLS, has time for. */
import { env } from "node:process";
import test from "ava";

/** One at a time: each measures what another would disturb. */
export const faultTest: typeof test.skip = env.BATCHWISE_KILLS ? test.serial : test.skip;
