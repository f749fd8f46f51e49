/** A worker file that cannot be loaded. */
// Loaded by import, as the real worker is: see there.
await null;
throw new Error("this file never loads");

export {};
