// Types of redpoll.js.

/** Element types. f16 is seen as its bits, bool as bytes of 0 or 1. */
export type ElementType = "f32" | "f16" | "i8" | "u8" | "i32" | "i64" | "bool";

/** Elements of a tensor: the array type that its element type has. */
export type Elements = Float32Array | Uint16Array | Int8Array | Uint8Array | Int32Array | BigInt64Array;

/** An input or output. */
export interface TensorInfo {
  readonly name: string;
  readonly type: ElementType;
  /** Dimensions, outermost first. */
  readonly shape: readonly number[];
  /** Of a quantised tensor: real = (q − zeroPoint) · scale. 0 for others. */
  readonly scale: number;
  readonly zeroPoint: number;
}

export interface OpenOptions {
  /** "scalar": plain code in place of 128-bit instructions: the same bits, slower. */
  tier?: "best" | "scalar";
}

/** Front ends: of `models/digits` (8 kHz), of MLPerf Tiny's keyword spotting, Kaldi's filter bank with 80 bands and Whisper's
 * with 80 bands before its normalisation (16 kHz each). */
export type FrontEndName = "digits" | "speech-commands" | "kaldi" | "whisper";

export interface FrontEndOptions {
  /** Samples a second of what will be pushed, 1,000 to 768,000; they are resampled where the front end has another rate. */
  sampleRate?: number;
}

/** The engine: one module, one memory, any number of sessions. */
export class Redpoll {
  private constructor();
  /** From the bytes of redpoll.wasm, a compiled module, or a fetch of it. */
  static load(source: BufferSource | WebAssembly.Module | Response | PromiseLike<Response>): Promise<Redpoll>;
  /** Opens a plan: its bytes are checked and copied once. Throws when they are no valid plan. */
  open(plan: ArrayBuffer | Uint8Array, options?: OpenOptions): Session;
  /** A front end of a voice model, at the beginning of a stream. */
  frontEnd(name: FrontEndName, options?: FrontEndOptions): FrontEnd;
}

/** A loaded plan. */
export class Session {
  private constructor();
  /** Name of the tier that computes. */
  readonly tier: string;
  /** Bytes of working memory, exactly what the plan says. */
  readonly arenaBytes: number;
  readonly planBytes: number;
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  /** Runs once; the outputs are copies, by name. Throws when an input is missing, has another type or another length. */
  run(inputs: Record<string, Elements>): Record<string, Elements>;
  /** Runs once on what the input views hold; results are in the output views. Every input must have been written since
   * the last run, because a run may reuse its memory. */
  runInPlace(): void;
  /** The elements of an input where the engine reads them. Valid until the next `open` or `close`. */
  inputView(name: string): Elements;
  /** The elements of an output where the engine leaves them. Valid until the next run, `open` or `close`. */
  outputView(name: string): Elements;
  /** The dimensions of an output in the last run: those of `outputs`, which has the largest where a size depends on data. */
  outputShape(name: string): number[];
  /** Gives the memory back. */
  close(): void;
}

/** A stream of samples that becomes frames of features; how the stream is cut into pieces does not matter. */
export class FrontEnd {
  private constructor();
  /** Values of a frame. */
  readonly features: number;
  /** Samples a second that it computes with. */
  readonly sampleRate: number;
  /** Samples from one frame to the next, at that rate. */
  readonly hopSamples: number;
  /** Samples of a frame, at that rate. */
  readonly frameSamples: number;
  /** Takes any number of samples, −1 to 1; the frames that they complete, one after another. */
  push(samples: Float32Array): Float32Array;
  /** Ends the stream: the frames of its end. The next sample begins a new one. */
  finish(): Float32Array;
  /** Gives the memory back. */
  close(): void;
}
