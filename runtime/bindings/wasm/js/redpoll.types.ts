// Uses the types as a program does: checked by `tsc --noEmit --strict`, never run.
import { Redpoll, type Elements, type ElementType, type FrontEnd, type Session, type TensorInfo } from "./redpoll.js";

export async function classify(plan: ArrayBuffer, picture: Float32Array): Promise<Elements | undefined> {
  const redpoll: Redpoll = await Redpoll.load(fetch("redpoll.wasm"));
  const session: Session = redpoll.open(plan, { tier: "scalar" });
  const input: TensorInfo | undefined = session.inputs[0];
  if (input === undefined) return undefined;
  const type: ElementType = input.type;
  if (type !== "f32") throw new TypeError(`${input.name} is ${type} of ${input.shape.join("×")}`);
  const outputs: Record<string, Elements> = session.run({ [input.name]: picture });
  const view: Elements = session.inputView(input.name);
  if (view instanceof Float32Array) view.fill(0);
  session.runInPlace();
  const dims: number[] = session.outputShape("logits");
  session.close();
  return dims.length > 0 ? outputs["logits"] : undefined;
}

export function listen(redpoll: Redpoll, samples: Float32Array): Float32Array {
  const front: FrontEnd = redpoll.frontEnd("digits", { sampleRate: 48000 });
  const frames: Float32Array = front.push(samples);
  front.finish();
  front.close();
  return frames.subarray(0, front.features);
}

export async function refused(redpoll: Redpoll, session: Session): Promise<void> {
  // @ts-expect-error a session comes from `open`
  new (await import("./redpoll.js")).Session();
  // @ts-expect-error there is no such tier
  redpoll.open(new ArrayBuffer(0), { tier: "avx2" });
  // @ts-expect-error a plan is bytes
  redpoll.open("model.plan");
  // @ts-expect-error what a session tells is not written
  session.arenaBytes = 0;
  // @ts-expect-error elements are typed arrays
  session.run({ x: [1, 2, 3] });
  // @ts-expect-error there is no such front end
  redpoll.frontEnd("mel");
}
