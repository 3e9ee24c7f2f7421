import type { JSX } from "preact";
import { counter } from "../format";
import { ticking } from "../live/clock";
import { useStore } from "../store";

/** Time since a moment (ms of the box's clock), counted locally; stands still while the page is not live. */
export function Elapsed({ since, alarm = 0 }: { since: number; alarm?: number }): JSX.Element {
  const seconds = useStore(ticking, (now) => Math.max(0, Math.floor((now - since) / 1000)));
  const late = alarm > 0 && seconds >= alarm;
  return <span class={late ? "elapsed late" : "elapsed"} role="timer">{counter(Number.isFinite(seconds) ? seconds : 0)}</span>;
}
