// Hears spoken digits in a stream of samples, as `redpoll listen --task digits` does.

export const CLASSES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "unknown", "noise"];
/** Classes that are words. */
const WORDS = 10;
/** Frames from one run of the network to the next. */
const STRIDE = 4;
/** Runs whose mean decides, the mean that counts, runs without a second word after one. */
const WINDOW = 3;
const THRESHOLD = 0.6;
const REST = 4;

function softmax(logits) {
  const most = Math.max(...logits);
  const powers = Array.from(logits, (v) => Math.exp(v - most));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((p) => p / sum);
}

/** Finds when a word's mean probability rises; a word is not heard twice while it slides through the window. */
class Average {
  #rows = [];
  #resting = 0;
  #held;

  push(row) {
    this.#rows = [...this.#rows, row].slice(-WINDOW);
    this.#resting = Math.max(0, this.#resting - 1);
    if (this.#rows.length < WINDOW) return undefined;
    const means = Array.from({ length: WORDS }, (_, i) => this.#rows.reduce((sum, r) => sum + r[i], 0) / WINDOW);
    if (this.#held !== undefined && means[this.#held] < THRESHOLD / 2) this.#held = undefined;
    const best = means.indexOf(Math.max(...means));
    if (means[best] <= THRESHOLD || this.#resting > 0 || this.#held === best) return undefined;
    this.#held = best;
    this.#resting = REST;
    return { word: CLASSES[best], probability: means[best] };
  }
}

/** One stream. `session`: the plan of models/digits; `rate`: samples a second of what will be pushed. */
export class Listener {
  #session;
  #front;
  #rate;
  #window;
  #seen = 0;
  #average = new Average();
  /** Time in the front end and the network, and runs of the network. */
  ms = 0;
  runs = 0;

  constructor(redpoll, session, rate) {
    this.#session = session;
    this.#rate = rate;
    this.#front = redpoll.frontEnd("digits", { sampleRate: rate });
    this.#window = new Float32Array(session.inputs[0].shape.reduce((n, d) => n * d, 1));
  }

  /** Words heard by the end of these samples: word, probability, seconds since the beginning. */
  push(samples) {
    const start = performance.now();
    const heard = this.#hear(this.#front.push(samples));
    this.ms += performance.now() - start;
    return heard;
  }

  /** Ends the stream. Half a second of silence lets a last word slide to the middle of the window. */
  finish() {
    const heard = this.push(new Float32Array(this.#rate / 2));
    heard.push(...this.#hear(this.#front.finish()));
    this.#front.close();
    return heard;
  }

  #hear(frames) {
    const { features, hopSamples, frameSamples, sampleRate } = this.#front;
    const heard = [];
    for (let at = 0; at < frames.length; at += features) {
      this.#window.copyWithin(0, features);
      this.#window.set(frames.subarray(at, at + features), this.#window.length - features);
      this.#seen += 1;
      if (this.#seen % STRIDE !== 0) continue;
      const logits = this.#session.run({ [this.#session.inputs[0].name]: this.#window })[this.#session.outputs[0].name];
      this.runs += 1;
      const word = this.#average.push(softmax(logits).slice(0, WORDS));
      if (word) heard.push({ ...word, seconds: (frameSamples + (this.#seen - 1) * hopSamples) / sampleRate });
    }
    return heard;
  }
}
