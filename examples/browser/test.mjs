// Opens dist/ in headless Chromium, clicks, draws, drops and speaks (a file is its microphone) as a person does, and checks what the page says.
// node examples/browser/test.mjs [DROPPED.png [DRAWN.png [HEARD.png [LIVE.png]]]] (screenshots); REDPOLL names a built `redpoll`, whose answer is demanded.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createServer } from "node:http";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateSync } from "node:zlib";

import { open } from "../../.ci/chromium.mjs";

const CLASSES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];
const TYPES = { html: "text/html", js: "text/javascript", wasm: "application/wasm" };
const dist = new URL("dist/", import.meta.url);

/** CRC-32 of PNG chunks. */
function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let i = 0; i < 8; i += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** A grey PNG; `rows` has a filter byte (0) before every row. */
function png(width, height, rows) {
  const chunk = (type, body) => {
    const out = Buffer.alloc(12 + body.length);
    out.writeUInt32BE(body.length, 0);
    out.write(type, 4, "latin1");
    body.copy(out, 8);
    out.writeUInt32BE(crc32(out.subarray(4, 8 + body.length)), 8 + body.length);
    return out;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 0, 0, 0, 0], 8);
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

const server = createServer((request, response) => {
  const name = request.url === "/" ? "index.html" : request.url.slice(1);
  if (!/^[\w.]+$/.test(name)) return response.writeHead(404).end();
  try {
    const bytes = readFileSync(new URL(name, dist));
    response.writeHead(200, { "content-type": TYPES[name.split(".").at(-1)] ?? "application/octet-stream" }).end(bytes);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const address = `http://127.0.0.1:${server.address().port}/`;

const microphone = fileURLToPath(new URL("sample.wav", dist));
const flags = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", `--use-file-for-fake-audio-capture=${microphone}`];
const { page, evaluate, until, shoot, close, problems, folder } = await open(address, { height: 1000, flags });
const middle = (selector) =>
  evaluate(`(() => {
    const element = document.querySelector(${JSON.stringify(selector)});
    element.scrollIntoView({ block: "nearest" });
    const { x, y, width, height } = element.getBoundingClientRect();
    return [x + width / 2, y + height / 2];
  })()`);
const mouse = (type, [x, y], buttons = 0) =>
  page("Input.dispatchMouseEvent", { type, x, y, button: type === "mouseMoved" && !buttons ? "none" : "left", buttons, clickCount: 1 });
async function afterNextRun(act) {
  const runs = await evaluate("Number(document.body.dataset.runs ?? 0)");
  await act();
  await until(`Number(document.body.dataset.runs) > ${runs}`);
  return evaluate("({ ...document.body.dataset })");
}
async function click(selector) {
  const at = await middle(selector);
  await mouse("mousePressed", at, 1);
  await mouse("mouseReleased", at);
}

try {
  await until('document.body?.dataset.ready === "yes"');

  for (const [i, name] of CLASSES.entries()) {
    const said = await afterNextRun(() => click(`#samples button:nth-child(${i + 1})`));
    assert.equal(said.best, name, `the example ${name}`);
    assert.ok(Number(said.ms) >= 0 && Number(said.ms) < 1000, `time: ${said.ms}`);
    console.log(`click on the example ${name}: ${said.best}, ${said.ms} ms`);
  }
  assert.equal(await evaluate('document.querySelector("#classes li.best span").textContent'), CLASSES[9]);
  assert.match(await evaluate('document.querySelector("#facts").textContent'), /^\d+\.\d\d ms .*simd128/);

  // A PNG on a white ground, dropped from a file: the trouser, inverted.
  const samples = readFileSync(new URL("samples.bin", dist)).subarray(784, 1568);
  const rows = Buffer.alloc(28 * 29);
  for (let y = 0; y < 28; y += 1) for (let x = 0; x < 28; x += 1) rows[y * 29 + 1 + x] = 255 - samples[y * 28 + x];
  const file = join(folder, "trouser.png");
  writeFileSync(file, png(28, 28, rows));
  const [left, top] = await middle("#board");
  const data = { items: [], files: [file], dragOperationsMask: 1 };
  const dropped = await afterNextRun(async () => {
    for (const type of ["dragEnter", "dragOver", "drop"]) await page("Input.dispatchDragEvent", { type, x: left, y: top, data });
  });
  assert.equal(dropped.best, "Trouser", "the dropped picture");
  console.log(`drop of a PNG: ${dropped.best}, ${dropped.ms} ms`);
  if (process.argv[2]) await shoot(process.argv[2]);

  // Two legs and a waist, drawn with the mouse.
  await afterNextRun(() => click("#clear"));
  const [x, y] = await middle("#board");
  const drawn = await afterNextRun(async () => {
    const path = [[-32, 130], [-32, -120], [32, -120], [32, 130], [22, 130], [22, -90], [-22, -90], [-22, 130]];
    await mouse("mousePressed", [x + path[0][0], y + path[0][1]], 1);
    for (const [dx, dy] of path) await mouse("mouseMoved", [x + dx, y + dy], 1);
    await mouse("mouseReleased", [x + path.at(-1)[0], y + path.at(-1)[1]]);
  });
  if (process.argv[3]) await shoot(process.argv[3]);
  assert.equal(drawn.best, "Trouser", "the drawn trousers");
  console.log(`drawn trousers: ${drawn.best}, ${drawn.ms} ms`);

  // The sample, clicked: the words and times of `redpoll listen` with the same plan, or at least the words.
  await until('document.body.dataset.listens === "yes"');
  async function afterNextSound(act) {
    const sounds = await evaluate("Number(document.body.dataset.sounds ?? 0)");
    await act();
    await until(`Number(document.body.dataset.sounds) > ${sounds}`);
    return evaluate("({ ...document.body.dataset })");
  }
  const sample = fileURLToPath(new URL("sample.wav", dist));
  const heard = await afterNextSound(() => click("#sample"));
  assert.equal(heard.words, "four two seven zero");
  assert.ok(Number(heard.windowMs) > 0 && Number(heard.windowMs) < 1000, `time: ${heard.windowMs}`);
  if (process.env.REDPOLL) {
    const arguments_ = ["listen", sample, "--task", "digits", "--model", fileURLToPath(new URL("digits.plan", dist)), "--json"];
    const events = execFileSync(process.env.REDPOLL, arguments_, { encoding: "utf8" }).trim().split("\n").map((line) => JSON.parse(line));
    assert.equal(heard.words, events.map((e) => e.label).join(" "));
    assert.deepEqual(heard.at.split(" ").map(Number), events.map((e) => e.t));
    console.log("redpoll listen says the same, at the same times");
  }
  console.log(`click on the sample: ${heard.words} at ${heard.at} s, ${heard.windowMs} ms a window`);
  if (process.argv[4]) await shoot(process.argv[4]);

  // The same sound at another rate, dropped: resampled, then the same words.
  const at8k = readFileSync(sample);
  const slow = new Int16Array(at8k.buffer.slice(at8k.byteOffset + 44, at8k.byteOffset + at8k.length));
  const fast = Buffer.alloc(44 + 4 * slow.length);
  at8k.copy(fast, 0, 0, 44);
  for (const [offset, value] of [[4, fast.length - 8], [24, 16000], [28, 32000], [40, 4 * slow.length]]) fast.writeUInt32LE(value, offset);
  slow.forEach((v, i) => {
    fast.writeInt16LE(v, 44 + 4 * i);
    fast.writeInt16LE((v + (slow[i + 1] ?? 0)) >> 1, 46 + 4 * i);
  });
  const sound = join(folder, "sixteen.wav");
  writeFileSync(sound, fast);
  const [sx, sy] = await middle("#sound");
  const sounds = { items: [], files: [sound], dragOperationsMask: 1 };
  const other = await afterNextSound(async () => {
    for (const type of ["dragEnter", "dragOver", "drop"]) await page("Input.dispatchDragEvent", { type, x: sx, y: sy, data: sounds });
  });
  assert.equal(other.words, "four two seven zero", "the dropped recording");
  console.log(`drop of a recording at 16 kHz: ${other.words} at ${other.at} s`);

  // The microphone, which is the same file again and again, from anywhere in it.
  const turns = ["four two seven zero", "two seven zero four", "seven zero four two", "zero four two seven"];
  await click("#microphone");
  await until(`${JSON.stringify(turns)}.some((turn) => document.body.dataset.words.endsWith(turn)) && document.querySelector("#microphone").textContent === "Stop"`);
  if (process.argv[5]) await shoot(process.argv[5]);
  const live = await evaluate("({ ...document.body.dataset })");
  await click("#microphone");
  await until('document.querySelector("#microphone").textContent === "Listen to the microphone"');
  console.log(`microphone: ${live.words}, ${live.windowMs} ms a window`);

  assert.deepEqual(problems, []);
  console.log("the page asked for nothing but its own files");
} finally {
  await close();
  server.close();
}
