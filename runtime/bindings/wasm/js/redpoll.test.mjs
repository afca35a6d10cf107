// Tests of the wrapper and the module: node --test. REDPOLL_SUITE names a folder made by the example target_suite.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { Redpoll } from "./redpoll.js";

const wasm = readFileSync(new URL("redpoll.wasm", import.meta.url));
const suite = process.env.REDPOLL_SUITE;
if (!suite) throw new Error("REDPOLL_SUITE must name the folder of plans");
const plan = readFileSync(`${suite}/fashion.int8.plan`);
const samples = readFileSync(`${suite}/fashion.int8.in`);
const picture = new Float32Array(samples.buffer, samples.byteOffset, 28 * 28);

test("the module imports nothing", async () => {
  assert.deepEqual(WebAssembly.Module.imports(await WebAssembly.compile(wasm)), []);
});

test("a plan tells its inputs and outputs", async () => {
  const session = (await Redpoll.load(wasm)).open(plan);
  assert.equal(session.tier, "simd128");
  assert.equal(session.planBytes, plan.length);
  assert.ok(session.arenaBytes > 0);
  assert.deepEqual(session.inputs, [{ name: "image", type: "f32", shape: [1, 1, 28, 28], scale: 0, zeroPoint: 0 }]);
  assert.deepEqual(session.outputs.map((o) => [o.name, o.type, o.shape]), [["logits", "f32", [1, 10]]]);
});

test("both tiers, both ways of running and two sessions give the same bits", async () => {
  const redpoll = await Redpoll.load(wasm);
  const [a, b] = [redpoll.open(plan), redpoll.open(plan, { tier: "scalar" })];
  assert.equal(b.tier, "scalar");
  const first = a.run({ image: picture }).logits;
  assert.ok(first.some((v) => v !== 0));
  assert.deepEqual(b.run({ image: picture }).logits, first);
  a.inputView("image").set(picture);
  a.runInPlace();
  assert.deepEqual(a.outputView("logits"), first);
  a.close();
  assert.throws(() => a.runInPlace(), /closed/);
  assert.deepEqual(b.run({ image: picture }).logits, first);
});

test("what does not fit is refused with the reason", async () => {
  const redpoll = await Redpoll.load(wasm);
  const session = redpoll.open(plan);
  assert.throws(() => session.run({}), /"image" must be written/);
  assert.throws(() => session.run({ picture }), /no "picture"; there are: image/);
  assert.throws(() => session.run({ image: new Int8Array(28 * 28) }), /Float32Array/);
  assert.throws(() => session.run({ image: new Float32Array(5) }), /784 elements, got 5/);
  assert.throws(() => redpoll.open("plan"), TypeError);
  assert.throws(() => redpoll.open(plan, { tier: "avx2" }), /no tier/);
});

test("bytes that are no plan are refused, whatever is changed", async () => {
  const redpoll = await Redpoll.load(wasm);
  assert.throws(() => redpoll.open(new Uint8Array(0)), /not a plan/);
  for (const bytes of [1, 64, 100, plan.length - 1]) {
    assert.throws(() => redpoll.open(plan.subarray(0, bytes)), /not a plan/);
  }
  for (let at = 0; at < 256; at += 1) {
    const changed = new Uint8Array(plan);
    changed[at] ^= 0x5a;
    assert.throws(() => redpoll.open(changed), /not a plan/, `byte ${at}`);
  }
});

test("sessions that are closed give their memory back", async () => {
  const redpoll = await Redpoll.load(wasm);
  const names = readdirSync(suite).filter((f) => f.endsWith(".plan"));
  assert.ok(names.length > 0);
  for (let i = 0; i < 500; i += 1) redpoll.open(plan).close();
  const session = redpoll.open(plan);
  // 500 plans kept would be more than this.
  assert.ok(session.inputView("image").buffer.byteLength < 100 * plan.length);
});
