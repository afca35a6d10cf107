// Headless Chromium for tests of pages, over the DevTools protocol through a pipe. CHROMIUM names the browser.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Opens `address`; `flags` are more of the browser's. What the page throws, and whatever it asks for elsewhere, is in `problems`. */
export async function open(address, { width = 900, height = 760, seconds = 120, flags = [] } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "redpoll-browser-"));
  const browser = spawn(
    process.env.CHROMIUM ?? "chromium",
    ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", `--window-size=${width},${height}`, `--user-data-dir=${folder}/profile`, ...flags, "about:blank"],
    { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] },
  );
  const waiting = new Map();
  const problems = [];
  let next = 1;
  let rest = "";
  browser.stdio[4].setEncoding("utf8").on("data", (data) => {
    const parts = (rest + data).split("\0");
    rest = parts.pop();
    for (const part of parts) {
      const message = JSON.parse(part);
      if (message.method === "Runtime.exceptionThrown") problems.push(message.params.exceptionDetails.exception?.description);
      if (message.method === "Network.requestWillBeSent") {
        const { url } = message.params.request;
        if (!url.startsWith(address) && !/^(data|blob|about):/.test(url)) problems.push(`asked for ${url}`);
      }
      const done = waiting.get(message.id);
      waiting.delete(message.id);
      if (done) message.error ? done.fail(new Error(message.error.message)) : done.ok(message.result);
    }
  });
  function call(method, params = {}, sessionId) {
    return new Promise((ok, fail) => {
      waiting.set(next, { ok, fail });
      browser.stdio[3].write(`${JSON.stringify({ id: next, method, params, sessionId })}\0`);
      next += 1;
    });
  }
  const limit = setTimeout(() => {
    console.error(`no answer within ${seconds} s`);
    browser.kill("SIGKILL");
    process.exit(1);
  }, seconds * 1000);

  const { targetInfos } = await call("Target.getTargets");
  const { targetId } = targetInfos.find((t) => t.type === "page");
  const { sessionId } = await call("Target.attachToTarget", { targetId, flatten: true });
  const page = (method, params) => call(method, params, sessionId);
  await page("Runtime.enable");
  await page("Network.enable");
  await page("Page.enable");
  await page("Page.navigate", { url: address });

  async function evaluate(expression) {
    const { result, exceptionDetails } = await page("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }
  async function until(expression) {
    for (let i = 0; i < 600; i += 1) {
      if (await evaluate(expression)) return;
      await new Promise((done) => setTimeout(done, 50));
    }
    throw new Error(`never true: ${expression}; ${problems.join("; ")}`);
  }
  async function shoot(file) {
    const { data } = await page("Page.captureScreenshot", { format: "png" });
    writeFileSync(file, Buffer.from(data, "base64"));
  }
  async function close() {
    clearTimeout(limit);
    browser.kill();
    await new Promise((done) => browser.once("exit", done));
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
  return { page, evaluate, until, shoot, close, problems, folder };
}
