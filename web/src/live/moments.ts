import type { CallView, EventMessage } from "../api/types";

interface Moment {
  state: string;
  /** When the call came into `state`; 0 when it was in it before we looked. */
  since: number;
  /** When the caller entered the queue; 0 when unknown. */
  queued: number;
}

/** What of a call's course the events told us beyond the list: since when it is in its state, since when it waits. */
export class Moments {
  readonly #calls = new Map<string, Moment>();
  readonly #latest = new Map<string, number>();

  event(message: EventMessage): void {
    const call = message["call"];
    const at = message.at ? Date.parse(message.at) : NaN;
    if (typeof call !== "string" || Number.isNaN(at)) return;
    if (message.type === "call-ended") {
      this.#latest.delete(call);
      return;
    }
    this.#latest.set(call, at);
    if (message.type === "queue-entered") {
      const known = this.#calls.get(call);
      this.#calls.set(call, { state: known?.state ?? "", since: known?.since ?? 0, queued: at });
    }
  }

  /** Takes a new list; calls that are gone are forgotten. */
  listed(calls: readonly CallView[]): void {
    const present = new Set<string>();
    for (const call of calls) {
      present.add(call.id);
      const known = this.#calls.get(call.id);
      if (known?.state === call.state) continue;
      this.#calls.set(call.id, { state: call.state, since: this.#latest.get(call.id) ?? 0, queued: known?.queued ?? 0 });
    }
    for (const id of [...this.#calls.keys()]) if (!present.has(id)) this.#calls.delete(id);
    for (const id of [...this.#latest.keys()]) if (!present.has(id)) this.#latest.delete(id);
  }

  /** Since when (ms) the call is in its state, as well as is known. */
  since(call: CallView): number {
    if (call.since) return Date.parse(call.since);
    const known = this.#calls.get(call.id);
    const waiting = call.state === "waiting" && known?.queued;
    return waiting || known?.since || Date.parse(call.answered ?? call.started);
  }
}
