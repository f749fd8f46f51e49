/** Program: loads the named calls and the library in a context of node:vm, as Jest does, and prints their answers. */
import { readFile } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import vm from "node:vm";
import { atLeast } from "#src/base/errors.js";
import type { answerAll } from "./calls.js";

const [file, folder] = atLeast(process.argv.slice(2), 2);
const shared = { process, Buffer, URL, TextDecoder, TextEncoder, performance, structuredClone, console };
const timers = {
  setTimeout,
  clearTimeout,
  setInterval,
  clearInterval,
  setImmediate,
  clearImmediate,
  queueMicrotask,
};
const context = vm.createContext({
  ...shared,
  ...timers,
  AbortController,
  AbortSignal,
  Event,
  EventTarget,
  fetch,
});
/** Promises, so that modules which import each other are made once. */
const modules = new Map<string, Promise<vm.Module>>();

/** Our own modules run in the context; those of Node and of packages are the main realm's. */
function load(specifier: string, from: string): Promise<vm.Module> {
  const isOurs = specifier.startsWith(".") || specifier.startsWith("#src/") || specifier.startsWith("file:");
  const url = specifier.startsWith("#src/")
    ? new URL(specifier.replace("#src/", "../../src/"), import.meta.url).href
    : isOurs
      ? new URL(specifier, from).href
      : specifier;
  const made = modules.get(url) ?? (isOurs ? ofFile(url) : ofPackage(url));
  modules.set(url, made);
  return made;
}

async function ofFile(url: string): Promise<vm.Module> {
  return new vm.SourceTextModule(await readFile(fileURLToPath(url), "utf8"), {
    context,
    identifier: url,
    initializeImportMeta: (meta) => Object.assign(meta, { url }),
    importModuleDynamically: async (specifier) => linked(await load(specifier, url)),
  });
}

async function ofPackage(name: string): Promise<vm.Module> {
  const whole: Record<string, unknown> = await import(name);
  const made = new vm.SyntheticModule(
    Object.keys(whole),
    () => {
      for (const [key, value] of Object.entries(whole)) made.setExport(key, value);
    },
    { context, identifier: name },
  );
  return made;
}

/** One at a time: a module that is being linked cannot be linked again. */
let lastLink: Promise<unknown> = Promise.resolve();
function linked(module: vm.Module): Promise<vm.Module> {
  const link = lastLink.then(async () => {
    if (module.status === "unlinked")
      await module.link((specifier, { identifier }) => load(specifier, identifier));
    if (module.status === "linked") await module.evaluate();
    return module;
  });
  lastLink = link.catch(() => {});
  return link;
}

const { namespace } = await linked(await load(pathToFileURL(file).href, import.meta.url));
const isOtherRealm = await readFile("absent").catch(
  (error) => !(error instanceof vm.runInContext("Error", context)),
);
const answers = await (namespace as { readonly answerAll: typeof answerAll }).answerAll(folder);
process.stdout.write(JSON.stringify({ answers, isOtherRealm }));
