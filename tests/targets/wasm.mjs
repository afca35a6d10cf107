// Runs the plans of a folder in redpoll.wasm and prints the lines that `redpoll-targets run` prints elsewhere.
// node tests/targets/wasm.mjs FOLDER [PART-OF-A-NAME]
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { Redpoll } from "../../runtime/bindings/wasm/js/redpoll.js";

const [folder, only = ""] = process.argv.slice(2);
const wasm = new URL("../../runtime/bindings/wasm/js/redpoll.wasm", import.meta.url);
const redpoll = await Redpoll.load(readFileSync(wasm));
const plans = readdirSync(folder).filter((file) => file.endsWith(".plan") && file.includes(only));
if (plans.length === 0) throw new Error(`no plans in ${folder}`);
for (const file of plans.sort()) {
  const name = file.slice(0, -".plan".length);
  const samples = readFileSync(`${folder}/${name}.in`);
  for (const option of ["best", "scalar"]) {
    const session = redpoll.open(readFileSync(`${folder}/${file}`), { tier: option });
    const hash = createHash("sha256");
    let at = 0;
    while (at < samples.length) {
      for (const { name: input } of session.inputs) {
        const { buffer, byteOffset, byteLength } = session.inputView(input);
        new Uint8Array(buffer, byteOffset, byteLength).set(samples.subarray(at, at + byteLength));
        at += byteLength;
      }
      session.runInPlace();
      for (const { name: output } of session.outputs) hash.update(session.outputView(output));
    }
    console.log(`wasm32 ${session.tier} 1 ${name} ${hash.digest("hex")}`);
    session.close();
  }
}
