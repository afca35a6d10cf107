// Runs Redpoll plans in a page, a worker or Node: wraps the functions of redpoll.wasm.

const ARRAYS = {
  f32: Float32Array,
  f16: Uint16Array,
  i8: Int8Array,
  u8: Uint8Array,
  i32: Int32Array,
  i64: BigInt64Array,
  bool: Uint8Array,
};

/** Front ends by name, in the order of their numbers. */
const FRONT_ENDS = ["digits", "speech-commands", "kaldi", "whisper"];

async function compile(source) {
  if (source instanceof WebAssembly.Module) return source;
  if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) return WebAssembly.compile(source);
  const response = await source;
  if (!response.ok) throw new Error(`${response.url}: ${response.status}`);
  // Servers that do not know the type application/wasm cannot be streamed from.
  return WebAssembly.compile(await response.arrayBuffer());
}

/** The engine: one module, one memory, any number of sessions. */
export class Redpoll {
  #exports;

  constructor(exports) {
    this.#exports = exports;
  }

  /** From the bytes of redpoll.wasm, a compiled module, or a fetch of it. */
  static async load(source) {
    const instance = await WebAssembly.instantiate(await compile(source), {});
    return new Redpoll(instance.exports);
  }

  /** Opens a plan: its bytes are checked and copied once. */
  open(plan, options = {}) {
    const bytes = plan instanceof ArrayBuffer ? new Uint8Array(plan) : plan;
    if (!(bytes instanceof Uint8Array)) throw new TypeError("a plan is an ArrayBuffer or a Uint8Array");
    const tier = { best: 0, scalar: 1 }[options.tier ?? "best"];
    if (tier === undefined) throw new RangeError(`there is no tier "${options.tier}"; there are: best, scalar`);
    const e = this.#exports;
    const at = e.redpoll_alloc(bytes.length) >>> 0;
    if (at === 0) throw new RangeError(message(e));
    new Uint8Array(e.memory.buffer).set(bytes, at);
    const handle = e.redpoll_open(at, bytes.length, tier) >>> 0;
    if (handle === 0) throw new Error(message(e));
    return new Session(e, handle);
  }

  /** A front end of a voice model: samples become frames of features. */
  frontEnd(name, options = {}) {
    const preset = FRONT_ENDS.indexOf(name);
    if (preset < 0) throw new RangeError(`there is no front end "${name}"; there are: ${FRONT_ENDS.join(", ")}`);
    const e = this.#exports;
    if (!e.redpoll_front_open) throw new Error("this redpoll.wasm was built without the feature voice");
    const handle = e.redpoll_front_open(preset, options.sampleRate ?? 0) >>> 0;
    if (handle === 0) throw new RangeError(message(e));
    return new FrontEnd(e, handle);
  }
}

function text(e, at, bytes) {
  return new TextDecoder().decode(new Uint8Array(e.memory.buffer, at >>> 0, bytes));
}

function message(e) {
  return text(e, e.redpoll_message(), e.redpoll_message_bytes());
}

/** A loaded plan. */
export class Session {
  #exports;
  #handle;
  #inputs;
  #outputs;

  /** Use {@link Redpoll.open}. */
  constructor(exports, handle) {
    this.#exports = exports;
    this.#handle = handle;
    const told = JSON.parse(text(exports, exports.redpoll_describe(handle), exports.redpoll_text_bytes(handle)));
    this.tier = told.tier;
    this.arenaBytes = told.arenaBytes;
    this.planBytes = told.planBytes;
    this.#inputs = told.inputs;
    this.#outputs = told.outputs;
    const info = ({ name, type, shape, scale, zeroPoint }) => Object.freeze({ name, type, shape, scale, zeroPoint });
    this.inputs = told.inputs.map(info);
    this.outputs = told.outputs.map(info);
  }

  /** Runs once; the outputs are copies, by name. */
  run(inputs) {
    for (const [name, elements] of Object.entries(inputs)) {
      const view = this.inputView(name);
      if (elements.constructor !== view.constructor) {
        throw new TypeError(`"${name}" wants a ${view.constructor.name}, not a ${elements.constructor.name}`);
      }
      if (elements.length !== view.length) {
        throw new RangeError(`"${name}" has ${view.length} elements, got ${elements.length}`);
      }
      view.set(elements);
    }
    const missing = this.#inputs.filter(({ name }) => !Object.hasOwn(inputs, name));
    if (missing.length > 0) throw new Error(`input "${missing[0].name}" must be written before the run`);
    this.runInPlace();
    return Object.fromEntries(this.#outputs.map(({ name }) => [name, this.outputView(name).slice()]));
  }

  /** Runs once on what the input views hold; results are in the output views. Every input must have been written. */
  runInPlace() {
    this.#open();
    if (this.#exports.redpoll_run(this.#handle) !== 0) throw new Error(message(this.#exports));
  }

  /** The elements of an input where the engine reads them. Valid until the next `open` or `close`. */
  inputView(name) {
    return this.#view(this.#inputs, name);
  }

  /** The elements of an output where the engine leaves them. Valid until the next run, `open` or `close`. */
  outputView(name) {
    const length = this.outputShape(name).reduce((n, d) => n * d, 1);
    return this.#view(this.#outputs, name).subarray(0, length);
  }

  /** The dimensions of an output in the last run: those told, but for sizes that depend on data. */
  outputShape(name) {
    this.#open();
    const { shape, sizes } = this.#find(this.#outputs, name);
    const dims = [...shape];
    for (const [axis, address] of sizes) {
      const [found] = new BigInt64Array(this.#exports.memory.buffer, address, 1);
      dims[axis] = Math.min(Math.max(Number(found), 0), shape[axis]);
    }
    return dims;
  }

  /** Gives the memory back. */
  close() {
    this.#exports.redpoll_close(this.#handle);
    this.#handle = 0;
  }

  #open() {
    if (this.#handle === 0) throw new Error("the session is closed");
  }

  #find(tensors, name) {
    const tensor = tensors.find((t) => t.name === name);
    if (!tensor) throw new RangeError(`there is no "${name}"; there are: ${tensors.map((t) => t.name).join(", ")}`);
    return tensor;
  }

  #view(tensors, name) {
    this.#open();
    const tensor = this.#find(tensors, name);
    const array = ARRAYS[tensor.type];
    return new array(this.#exports.memory.buffer, tensor.address, tensor.bytes / array.BYTES_PER_ELEMENT);
  }
}

/** A stream of samples that becomes frames of features. */
export class FrontEnd {
  #exports;
  #handle;

  /** Use {@link Redpoll.frontEnd}. */
  constructor(exports, handle) {
    this.#exports = exports;
    this.#handle = handle;
    const [features, sampleRate, hopSamples, frameSamples] = [0, 1, 2, 3].map((i) => exports.redpoll_front_info(handle, i));
    Object.assign(this, { features, sampleRate, hopSamples, frameSamples });
  }

  /** Takes any number of samples, −1 to 1; the frames that they complete, one after another. */
  push(samples) {
    this.#open();
    if (!(samples instanceof Float32Array)) throw new TypeError("samples are a Float32Array");
    const e = this.#exports;
    const at = e.redpoll_front_room(this.#handle, samples.length) >>> 0;
    if (at === 0) throw new RangeError(message(e));
    new Float32Array(e.memory.buffer, at, samples.length).set(samples);
    return this.#frames(e.redpoll_front_push(this.#handle));
  }

  /** Ends the stream: the frames of its end. The next sample begins a new one. */
  finish() {
    this.#open();
    return this.#frames(this.#exports.redpoll_front_finish(this.#handle));
  }

  /** Gives the memory back. */
  close() {
    this.#exports.redpoll_front_close(this.#handle);
    this.#handle = 0;
  }

  #frames(values) {
    const at = this.#exports.redpoll_front_frames(this.#handle) >>> 0;
    return new Float32Array(this.#exports.memory.buffer, at, values).slice();
  }

  #open() {
    if (this.#handle === 0) throw new Error("the front end is closed");
  }
}
