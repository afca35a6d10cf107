// The page of `redpoll see --serve` in headless Chromium: pictures come, the numbers are right, and the end is noticed.
// node .ci/see-page.mjs REDPOLL [SHOT.png]
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

import { open } from "./chromium.mjs";

const [redpoll, shot] = process.argv.slice(2);
const fashion = new URL("../models/fashion/", import.meta.url).pathname;
const command = spawn(redpoll, ["see", `${fashion}sample.png`, "--model", `${fashion}fashion.onnx`, "--serve", "0", "--fps", "20"], {
  stdio: ["ignore", "inherit", "pipe"],
});
const [first] = await new Promise((done) => createInterface(command.stderr).on("line", (line) => done([line])));
const address = first.match(/http:\/\/\S+/)?.[0];
assert.ok(address, first);
const { evaluate, until, shoot, close, problems } = await open(address);
try {
  await until("Number(document.body?.dataset.frame) > 0");
  const before = await evaluate("Number(document.body.dataset.frame)");
  await until(`Number(document.body.dataset.frame) > ${before} + 10`);
  assert.match(await evaluate('document.querySelector("#found li").textContent'), /^ *\d+\.\d\d %  Ankle boot$/);
  await until('Number(document.querySelector("#fps").textContent) > 5');
  assert.equal(await evaluate('document.querySelectorAll("#parts li").length'), 5);
  assert.match(await evaluate('document.querySelector("#parts .model").textContent'), /^model\d+\.\d\d ms$/);

  // The picture of the stream, with the label's colour in its upper left corner.
  await until('document.querySelector("#view").naturalWidth === 28');
  const corner = await evaluate(`(() => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [28, 28];
    const context = canvas.getContext("2d");
    context.drawImage(document.querySelector("#view"), 0, 0);
    return [...context.getImageData(27, 0, 1, 1).data];
  })()`);
  assert.ok(Math.max(...corner.slice(0, 3)) > 100, `no label: ${corner}`);
  if (shot) await shoot(shot);
  assert.deepEqual(problems, []);
  console.log(`the page of see: frame ${before} and on, Ankle boot, corner ${corner}`);

  command.kill();
  await until('document.body.classList.contains("gone")');
  console.log("the page notices the end");
} finally {
  command.kill();
  await close();
}
