/** Gives slabs the rooms for answers that their own memory does not have. */
import { type AnswerRoom, allocateRoom, roomBytes, type Slab, slabWithRoom } from "./slab.js";

export interface Answerer {
  /** Index of the network in its executor. */
  readonly source: number;
  /** Of so many classes probabilities are asked for; of 0, predictions alone. */
  readonly classes: number;
}

/** Each slab once for each who answers, in their order. A slab whose memory comes again has the same rooms again. */
export async function* withRooms(
  slabs: AsyncIterable<Slab>,
  answerers: readonly Answerer[],
): AsyncGenerator<Slab> {
  const rooms = answerers.map(() => new WeakMap<SharedArrayBuffer, AnswerRoom>());
  for await (const slab of slabs) {
    for (const [n, { source, classes }] of answerers.entries()) {
      let room = rooms[n].get(slab.buffer);
      if (room === undefined || room.buffer.byteLength < roomBytes(slab.count, classes)) {
        room = allocateRoom(slab.count, classes);
        rooms[n].set(slab.buffer, room);
      }
      yield slabWithRoom(slab, room, source);
    }
  }
}
