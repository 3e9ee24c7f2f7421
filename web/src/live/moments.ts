import type { CallView, EventMessage } from "../api/types";

/** Which state of a call begins with which event. */
const BEGINS: Readonly<Record<string, readonly CallView["state"][]>> = {
  "call-routed": ["routing", "announcement"],
  "menu-entered": ["menu"],
  "queue-entered": ["waiting"],
  "queue-offered": ["ringing"],
  "leg-ringing": ["ringing"],
  "leg-bridged": ["talking"],
  "leg-resumed": ["talking"],
  "leg-held": ["held"],
};
/** A call that the list does not name is forgotten after this: events may be ahead of the list, but not by that much. */
const KEPT = 60_000;

interface Times {
  heard: number;
  /** When (ms) the call last came into a state. */
  began: Partial<Record<CallView["state"], number>>;
}

/** What the events say of a call's course beyond the list: since when it is in its state, since when it waits. */
export class Moments {
  readonly #calls = new Map<string, Times>();

  event(message: EventMessage, now: number): void {
    const call = message["call"];
    const at = message.at ? Date.parse(message.at) : NaN;
    if (typeof call !== "string" || Number.isNaN(at)) return;
    if (message.type === "call-ended") {
      this.#calls.delete(call);
      return;
    }
    const times = this.#calls.get(call) ?? { heard: now, began: {} };
    times.heard = now;
    for (const state of BEGINS[message.type] ?? []) times.began[state] = at;
    this.#calls.set(call, times);
  }

  /** Takes a new list; calls that are gone are forgotten. */
  listed(calls: readonly CallView[], now: number): void {
    const present = new Set(calls.map((call) => call.id));
    for (const [id, times] of [...this.#calls]) if (!present.has(id) && now - times.heard > KEPT) this.#calls.delete(id);
  }

  /** Since when (ms) the call is in its state, as well as is known. */
  since(call: CallView): number {
    if (call.since) return Date.parse(call.since);
    return this.#calls.get(call.id)?.began[call.state] ?? Date.parse(call.answered ?? call.started);
  }

  /** Since when (ms) the caller waits, through offers that came to nothing. */
  waiting(call: CallView): number {
    return this.#calls.get(call.id)?.began.waiting ?? Date.parse(call.started);
  }
}
