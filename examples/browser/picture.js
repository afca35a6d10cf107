// Draws, drops or picks a 28×28 picture and shows what the network says, with its time.
import { redpoll } from "./engine.js";

const CLASSES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];
const SIDE = 28;
/** Runs whose median is shown. */
const RUNS = 9;

const find = (id) => document.getElementById(id);
const board = find("board");
const context = board.getContext("2d", { willReadFrequently: true });

const plan = await (await fetch("fashion.plan")).arrayBuffer();
const session = redpoll.open(plan);
const input = session.inputs[0];
const output = session.outputs[0].name;

const rows = CLASSES.map((name) => {
  const row = document.createElement("li");
  row.innerHTML = '<span></span><span class="bar"><i></i></span><output></output>';
  row.firstChild.textContent = name;
  find("classes").append(row);
  return row;
});

/** The board's brightness, 0 to 1, as the network was trained: white on black. */
function pixels() {
  const { data } = context.getImageData(0, 0, SIDE, SIDE);
  return Float32Array.from({ length: SIDE * SIDE }, (_, i) => data[4 * i] / 255);
}

function softmax(logits) {
  const most = Math.max(...logits);
  const powers = Array.from(logits, (v) => Math.exp(v - most));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((p) => p / sum);
}

function recognise() {
  const picture = pixels();
  const times = [];
  let logits;
  for (let i = 0; i < RUNS; i += 1) {
    const start = performance.now();
    logits = session.run({ [input.name]: picture })[output];
    times.push(performance.now() - start);
  }
  const ms = times.sort((a, b) => a - b)[RUNS >> 1];
  const shares = softmax(logits);
  const best = shares.indexOf(Math.max(...shares));
  rows.forEach((row, i) => {
    row.classList.toggle("best", i === best);
    row.querySelector("i").style.width = `${100 * shares[i]}%`;
    row.querySelector("output").textContent = `${(100 * shares[i]).toFixed(1)} %`;
  });
  find("facts").textContent =
    `${ms.toFixed(2)} ms (median of ${RUNS}), ${session.tier}, int8, plan ${(session.planBytes / 1024).toFixed(0)} KB, working memory ${(session.arenaBytes / 1024).toFixed(1)} KB`;
  // What a test looks at.
  Object.assign(document.body.dataset, { best: CLASSES[best], ms: ms.toFixed(3), runs: Number(document.body.dataset.runs ?? 0) + 1 });
}

function clear() {
  context.fillStyle = "#000";
  context.fillRect(0, 0, SIDE, SIDE);
}

/** Fits a picture on the board, grey; a picture on a bright ground is inverted. */
async function show(file) {
  const bitmap = await createImageBitmap(file);
  const scale = SIDE / Math.max(bitmap.width, bitmap.height);
  const [w, h] = [Math.max(1, Math.round(bitmap.width * scale)), Math.max(1, Math.round(bitmap.height * scale))];
  const [left, top] = [(SIDE - w) >> 1, (SIDE - h) >> 1];
  clear();
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, left, top, w, h);
  const area = context.getImageData(left, top, w, h);
  const grey = Array.from({ length: w * h }, (_, i) => {
    const [r, g, b] = area.data.subarray(4 * i, 4 * i + 3);
    return Math.round(0.299 * r + 0.587 * g + 0.114 * b);
  });
  const edge = grey.filter((_, i) => i % w === 0 || i % w === w - 1 || i < w || i >= w * (h - 1));
  const invert = edge.reduce((a, b) => a + b) / edge.length > 127;
  grey.forEach((v, i) => area.data.set([0, 1, 2].map(() => (invert ? 255 - v : v)), 4 * i));
  context.putImageData(area, left, top);
  recognise();
}

function brush(event) {
  const box = board.getBoundingClientRect();
  const at = (v, from, size) => ((v - from) / size) * SIDE;
  const [x, y] = [at(event.clientX, box.left, box.width), at(event.clientY, box.top, box.height)];
  context.strokeStyle = "#e0e0e0";
  context.lineWidth = 3;
  context.lineCap = "round";
  context.beginPath();
  context.moveTo(...(brush.last ?? [x, y]));
  context.lineTo(x, y);
  context.stroke();
  brush.last = [x, y];
}

board.addEventListener("pointerdown", (event) => {
  board.setPointerCapture(event.pointerId);
  brush.last = undefined;
  brush(event);
});
board.addEventListener("pointermove", (event) => {
  if (event.buttons & 1) brush(event);
});
board.addEventListener("pointerup", recognise);
find("clear").addEventListener("click", () => {
  clear();
  recognise();
});
find("file").addEventListener("change", (event) => {
  if (event.target.files[0]) show(event.target.files[0]);
});
board.addEventListener("dragover", (event) => {
  event.preventDefault();
  board.classList.add("over");
});
board.addEventListener("dragleave", () => board.classList.remove("over"));
board.addEventListener("drop", (event) => {
  event.preventDefault();
  board.classList.remove("over");
  if (event.dataTransfer.files[0]) show(event.dataTransfer.files[0]);
});

const samples = new Uint8Array(await (await fetch("samples.bin")).arrayBuffer());
for (let i = 0; i * SIDE * SIDE < samples.length; i += 1) {
  const button = document.createElement("button");
  const picture = document.createElement("canvas");
  picture.width = picture.height = SIDE;
  const image = new ImageData(SIDE, SIDE);
  samples.subarray(i * SIDE * SIDE, (i + 1) * SIDE * SIDE).forEach((v, p) => image.data.set([v, v, v, 255], 4 * p));
  picture.getContext("2d").putImageData(image, 0, 0);
  button.type = "button";
  button.setAttribute("aria-label", `Example: ${CLASSES[i]}`);
  button.append(picture);
  button.addEventListener("click", () => {
    context.putImageData(image, 0, 0);
    recognise();
  });
  find("samples").append(button);
}
clear();
recognise();
document.body.dataset.ready = "yes";
