// Runs a WASI program, as `cargo test` builds for wasm32-wasip1: node tests/targets/wasi.mjs PROGRAM.wasm [ARGUMENT…]
import { readFileSync } from "node:fs";
import { WASI } from "node:wasi";

const args = process.argv.slice(2);
const wasi = new WASI({ version: "preview1", args, env: {}, preopens: { ".": "." } });
const module = await WebAssembly.compile(readFileSync(args[0]));
// Threads of an older C library: linked, never called.
const env = {};
for (const { module: from, name } of WebAssembly.Module.imports(module)) {
  if (from === "env") env[name] = () => { throw new Error(`${name} is not there`); };
}
const instance = await WebAssembly.instantiate(module, { ...wasi.getImportObject(), env });
process.exitCode = wasi.start(instance);
