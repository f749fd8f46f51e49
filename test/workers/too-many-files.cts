/** A worker file that cannot be loaded because the process has too many open files. */
throw Object.assign(new Error("EMFILE: too many open files, open 'model.js'"), { code: "EMFILE" });
