/**
 * The part of WebAssembly's interface that is used here. TypeScript declares it only together with the DOM. It stays a file of
 * declarations, which tsc does not emit: in the package it would contradict the DOM's of a user's program.
 */
declare namespace WebAssembly {
  class Module {
    private readonly brand;
  }
  interface MemoryDescriptor {
    readonly initial: number;
    readonly maximum?: number;
  }
  class Memory {
    constructor(descriptor: MemoryDescriptor);
    readonly buffer: ArrayBuffer;
  }
  type Exports = Record<string, unknown>;
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, Memory>>);
    readonly exports: Exports;
  }
  function compile(bytes: Uint8Array): Promise<Module>;
  function validate(bytes: Uint8Array): boolean;
}
