/**
 * `faulty`, for piscina, which calls `require` before it tries `import`: Node 20 ends the whole process where a thread is
 * ended while it requires an ECMAScript module.
 */
const loaded = import("./faulty.js").then(({ default: faulty }) => faulty);

export = loaded;
