import { Store } from "../store";

/**
 * The box's clock as seen from here. `Date` of an answer has whole seconds, so one answer gives an interval for the
 * difference between the clocks; intervals of several answers are intersected until it is narrow.
 */
export class ServerClock {
  #low = -Infinity;
  #high = Infinity;

  learn(asked: number, answered: number, dateHeader: string | null): void {
    const stamp = dateHeader === null ? NaN : Date.parse(dateHeader);
    if (Number.isNaN(stamp)) return;
    const low = stamp - answered;
    const high = stamp + 1000 - asked;
    this.#low = Math.max(low, this.#low);
    this.#high = Math.min(high, this.#high);
    if (this.#low > this.#high) {
      // One of the two clocks was set: what was known before is void.
      this.#low = low;
      this.#high = high;
    }
  }

  /** Milliseconds to add to this machine's clock. */
  get offset(): number {
    return Number.isFinite(this.#low + this.#high) ? (this.#low + this.#high) / 2 : 0;
  }

  now(): number {
    return Date.now() + this.offset;
  }
}

export const serverClock = new ServerClock();

/** The box's time in ms, stepped once a second while what is shown is live, and standing still when it is not. */
export const ticking = new Store(Date.now());

let timer: ReturnType<typeof setTimeout> | undefined;

function tick(): void {
  const now = serverClock.now();
  ticking.set(now);
  timer = setTimeout(tick, 1000 - (now % 1000) + 5);
}

export function runTicking(run: boolean): void {
  if (!run) {
    clearTimeout(timer);
    timer = undefined;
  } else if (timer === undefined) {
    tick();
  }
}
