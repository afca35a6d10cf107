// Tests of the wrapper and the module: node --test. REDPOLL_SUITE names a folder made by the example target_suite.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { Redpoll, Session } from "./redpoll.js";

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

test("sizes that depend on data are those of the run", () => {
  // A module that tells of one output, [3, 4] at most, whose second size lies at 128.
  const memory = { buffer: new ArrayBuffer(1024) };
  const output = { name: "y", type: "f32", shape: [3, 4], scale: 0, zeroPoint: 0, address: 64, bytes: 48, sizes: [[1, 128]] };
  const told = new TextEncoder().encode(JSON.stringify({ tier: "none", inputs: [], outputs: [output] }));
  new Uint8Array(memory.buffer).set(told, 512);
  const session = new Session({ memory, redpoll_describe: () => 512, redpoll_text_bytes: () => told.length }, 1);
  new Float32Array(memory.buffer, 64, 12).set([1, 2, 3, 4, 5, 6]);
  const found = new BigInt64Array(memory.buffer, 128, 1);
  found[0] = 2n;
  assert.deepEqual(session.outputShape("y"), [3, 2]);
  assert.deepEqual([...session.outputView("y")], [1, 2, 3, 4, 5, 6]);
  found[0] = 0n;
  assert.deepEqual([session.outputShape("y"), session.outputView("y").length], [[3, 0], 0]);
  found[0] = 99n;
  assert.deepEqual(session.outputShape("y"), [3, 4]);
  assert.throws(() => session.outputShape("x"), /there is no "x"/);
});

test("a front end gives the same frames however the sound is cut, and none of silence but zeros", async () => {
  const redpoll = await Redpoll.load(wasm);
  const front = redpoll.frontEnd("digits", { sampleRate: 8000 });
  assert.deepEqual([front.features, front.sampleRate, front.hopSamples, front.frameSamples], [32, 8000, 128, 256]);
  const sound = Float32Array.from({ length: 8000 }, (_, i) => 0.3 * Math.sin(0.4 * i) + 0.1 * Math.sin(1.7 * i));
  const whole = [...front.push(sound), ...front.finish()];
  assert.equal(whole.length, 32 * 61);
  assert.ok(whole.every(Number.isFinite) && whole.some((v) => v > 1));
  const pieces = [];
  for (let at = 0; at < sound.length; at += 333) pieces.push(...front.push(sound.subarray(at, at + 333)));
  assert.deepEqual([...pieces, ...front.finish()], whole);
  assert.ok(front.push(new Float32Array(1024)).every((v) => v === 0));
  front.close();
  assert.throws(() => front.push(sound), /closed/);
  // A tone at another rate: resampled to the same frames but for rounding and the ends.
  const tone = (rate) => Float32Array.from({ length: rate }, (_, i) => 0.3 * Math.sin((2 * Math.PI * 440 * i) / rate));
  const frames = (rate) => redpoll.frontEnd("digits", { sampleRate: rate }).push(tone(rate)).slice(32 * 5, 32 * 55);
  const [own, fast] = [frames(8000), frames(44100)];
  const peak = (v) => [...v.subarray(0, 32)].reduce((best, x, i, all) => (x > all[best] ? i : best), 0);
  assert.equal(peak(fast), peak(own));
  assert.ok(Math.abs(fast[peak(own)] - own[peak(own)]) < 1e-2);
});

test("front ends that cannot be are refused with the reason", async () => {
  const redpoll = await Redpoll.load(wasm);
  assert.throws(() => redpoll.frontEnd("mel"), /no front end "mel"; there are: digits/);
  assert.throws(() => redpoll.frontEnd("digits", { sampleRate: 7 }), /7 samples a second cannot become 8000/);
  const front = redpoll.frontEnd("kaldi");
  assert.throws(() => front.push([0, 1]), TypeError);
  assert.throws(() => front.push(new Float32Array(5_000_000)), /no room for 5000000/);
});
