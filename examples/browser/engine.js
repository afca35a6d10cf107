// The engine, loaded once for the page.
import { Redpoll } from "./redpoll.js";

export const redpoll = await Redpoll.load(fetch("redpoll.wasm"));
