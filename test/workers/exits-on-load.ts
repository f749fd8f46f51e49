/** A worker file that ends its thread while it loads. */
// Loaded by import, as the real worker is: see there.
await null;
process.exit(3);

export {};
