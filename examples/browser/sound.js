// Hears digits in the sample, in a recording that is opened or dropped, or from the microphone, and shows them with the time taken.
import { redpoll } from "./engine.js";
import { Listener } from "./listener.js";

/** Rate at which a recording is decoded whose own is unknown. */
const RATE = 48000;
/** Seconds of the microphone that the picture holds. */
const HELD = 6;

const find = (id) => document.getElementById(id);
const plan = await (await fetch("digits.plan")).arrayBuffer();
const session = redpoll.open(plan);
const wave = find("wave");
let microphone;

function draw(samples, rate, words, begin = 0) {
  const { width, height } = wave;
  const pen = wave.getContext("2d");
  const colour = getComputedStyle(document.body);
  pen.clearRect(0, 0, width, height);
  const each = samples.length / width;
  const loudest = samples.reduce((most, v) => Math.max(most, Math.abs(v)), 0.05);
  pen.fillStyle = colour.color;
  for (let x = 0; x < width && each > 0; x += 1) {
    let most = 0;
    for (let i = Math.floor(x * each); i < (x + 1) * each && i < samples.length; i += 1) most = Math.max(most, Math.abs(samples[i]));
    const tall = Math.max(1, (most / loudest) * 0.38 * height);
    pen.fillRect(x, 0.6 * height - tall, 1, 2 * tall);
  }
  pen.font = "600 30px system-ui, sans-serif";
  pen.textAlign = "center";
  pen.fillStyle = colour.getPropertyValue("--accent");
  for (const { word, seconds } of words) {
    // A word is decided about 0.3 s after its middle.
    const x = (((seconds - begin - 0.3) * rate) / samples.length) * width;
    if (x > 0) pen.fillText(word, Math.min(Math.max(x, 50), width - 50), 32);
  }
}

function tell(words, listener, seconds) {
  find("words").replaceChildren(
    ...words.map(({ word, probability, seconds: at }) => {
      const row = document.createElement("li");
      const detail = document.createElement("small");
      detail.textContent = ` ${at.toFixed(2)} s, ${(100 * probability).toFixed(0)} %`;
      row.append(word, detail);
      return row;
    }),
  );
  const each = listener.runs > 0 ? listener.ms / listener.runs : 0;
  find("heard").textContent =
    `${each.toFixed(2)} ms a window (features and network), ${seconds.toFixed(1)} s of sound in ${listener.ms.toFixed(0)} ms: ` +
    `${((0.1 * listener.ms) / seconds).toFixed(2)} % of the time; ${session.tier}, int8, plan ${(session.planBytes / 1024).toFixed(0)} KB, ` +
    `working memory ${(session.arenaBytes / 1024).toFixed(1)} KB`;
  // What a test looks at.
  Object.assign(document.body.dataset, { words: words.map((w) => w.word).join(" "), at: words.map((w) => w.seconds.toFixed(3)).join(" "), windowMs: each.toFixed(3) });
}

/** Rate in the header of a WAV file; else one that every browser decodes to. */
function rateOf(bytes) {
  const view = new DataView(bytes);
  const wav = bytes.byteLength > 28 && view.getUint32(0) === 0x52494646 && view.getUint32(8) === 0x57415645;
  const rate = wav ? view.getUint32(24, true) : RATE;
  return rate >= 8000 && rate <= 96000 ? rate : RATE;
}

/** Hears a recording: bytes of any file that the browser decodes, its channels mixed. */
async function hear(bytes) {
  stop();
  const rate = rateOf(bytes);
  let sound;
  try {
    sound = await new OfflineAudioContext(1, 1, rate).decodeAudioData(bytes);
  } catch {
    find("heard").textContent = "This browser cannot decode that file.";
    return;
  }
  const samples = new Float32Array(sound.length);
  for (let c = 0; c < sound.numberOfChannels; c += 1) {
    sound.getChannelData(c).forEach((v, i) => (samples[i] += v / sound.numberOfChannels));
  }
  const listener = new Listener(redpoll, session, rate);
  const words = [...listener.push(samples), ...listener.finish()];
  draw(samples, rate, words);
  tell(words, listener, samples.length / rate);
  document.body.dataset.sounds = Number(document.body.dataset.sounds ?? 0) + 1;
}

/** Hands blocks of samples from the audio thread to the page. */
const TAP = `registerProcessor("tap", class extends AudioWorkletProcessor {
  process([[channel]]) { if (channel) this.port.postMessage(channel.slice()); return true; }
});`;

async function listen() {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
  const context = new AudioContext();
  const tap = URL.createObjectURL(new Blob([TAP], { type: "text/javascript" }));
  await context.audioWorklet.addModule(tap);
  URL.revokeObjectURL(tap);
  const node = new AudioWorkletNode(context, "tap");
  const rate = context.sampleRate;
  const listener = new Listener(redpoll, session, rate);
  const held = new Float32Array(HELD * rate);
  let words = [];
  let taken = 0;
  let shown = 0;
  node.port.onmessage = ({ data }) => {
    if (microphone?.node !== node) return;
    held.copyWithin(0, data.length);
    held.set(data, held.length - data.length);
    taken += data.length;
    words = [...words, ...listener.push(data)].slice(-12);
    if (taken - shown < rate / 8) return;
    shown = taken;
    draw(held, rate, words, taken / rate - HELD);
    tell(words, listener, taken / rate);
  };
  context.createMediaStreamSource(stream).connect(node);
  microphone = { node, context, stream, listener };
  find("words").replaceChildren();
  document.body.dataset.words = "";
  find("microphone").setAttribute("aria-pressed", "true");
  find("microphone").textContent = "Stop";
}

function stop() {
  if (!microphone) return;
  microphone.stream.getTracks().forEach((track) => track.stop());
  microphone.context.close();
  microphone.listener.finish();
  microphone = undefined;
  find("microphone").setAttribute("aria-pressed", "false");
  find("microphone").textContent = "Listen to the microphone";
}

find("sample").addEventListener("click", async () => hear(await (await fetch("sample.wav")).arrayBuffer()));
find("recording").addEventListener("change", async (event) => {
  if (event.target.files[0]) hear(await event.target.files[0].arrayBuffer());
});
find("microphone").addEventListener("click", async () => {
  if (microphone) return stop();
  try {
    await listen();
  } catch (error) {
    find("heard").textContent = `No microphone: ${error.message}`;
  }
});
const field = find("sound");
field.addEventListener("dragover", (event) => {
  event.preventDefault();
  field.classList.add("over");
});
field.addEventListener("dragleave", () => field.classList.remove("over"));
field.addEventListener("drop", async (event) => {
  event.preventDefault();
  field.classList.remove("over");
  if (event.dataTransfer.files[0]) hear(await event.dataTransfer.files[0].arrayBuffer());
});
find("heard").textContent = `${session.tier}, int8, plan ${(session.planBytes / 1024).toFixed(0)} KB, working memory ${(session.arenaBytes / 1024).toFixed(1)} KB`;
document.body.dataset.listens = "yes";
