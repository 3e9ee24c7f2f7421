import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { CallView, EventMessage, LampView, Role, SystemView } from "../src/api/types";
import { Live, type Source } from "../src/live/live";
import { Refresher } from "../src/live/refresher";
import { ServerClock } from "../src/live/clock";
import type { SocketReader } from "../src/live/socket";
import { Store } from "../src/store";

beforeEach(() => void vi.useFakeTimers({ now: 1_800_000_000_000 }));
afterEach(() => void vi.useRealTimers());

const call = (id: string, more: Partial<CallView> = {}): CallView => ({
  id, journey: id, kind: "inbound", from: "0312345678", to: "600", from_name: "", trunk: "", queue: "", agent: "", state: "menu", destination: "", started: "2027-01-15T07:59:00Z", answered: null, since: "2027-01-15T07:59:00Z", queued: null, position: 0, recording: false, recording_paused: false, record: "never", answered_by: "", answered_cause: "", judging: false, fax: false, legs: [], ...more,
});

/** A box whose answers are counted and whose stream is driven by hand. */
class FakeBox implements Source {
  seq = 10;
  calls: CallView[] = [];
  asked: string[] = [];
  down = false;
  opened: number[] = [];
  reader: SocketReader | undefined;
  closed = 0;
  private answer<T>(name: string, value: T): Promise<T> {
    this.asked.push(name);
    return this.down ? Promise.reject(new Error("down")) : Promise.resolve(value);
  }
  list = (name: string) => this.answer(name, { items: name === "calls" ? [...this.calls] : [], next: null, seq: this.seq });
  panel = (): Promise<LampView[]> => this.answer("panel", []);
  system = (): Promise<SystemView | null> => this.answer("system", null);
  open = (after: number, reader: SocketReader): (() => void) => {
    this.opened.push(after);
    this.reader = reader;
    return () => void (this.closed += 1);
  };
  now = (): number => Date.now();
  say(type: string, more: Partial<EventMessage> = {}): void {
    this.seq += 1;
    this.reader?.message({ type, seq: this.seq, at: new Date().toISOString(), ...more });
  }
}

async function started(role: Role = "admin"): Promise<{ box: FakeBox; live: Live }> {
  const box = new FakeBox();
  const live = new Live(box);
  live.start(role);
  await vi.advanceTimersByTimeAsync(0);
  box.reader?.opened();
  return { box, live };
}

describe("the live lists", () => {
  it("are read once, then the stream is opened from their number on", async () => {
    const { box, live } = await started();
    expect(box.asked.sort()).toEqual(["agents", "calls", "panel", "queues", "registrations", "system", "trunks"]);
    expect(box.opened).toEqual([10]);
    expect(live.state.value.connection).toBe("live");
  });

  it("are not called live before the stream is open", async () => {
    const box = new FakeBox();
    const live = new Live(box);
    live.start("admin");
    await vi.advanceTimersByTimeAsync(50);
    expect(live.state.value.loaded).toBe(true);
    expect(live.state.value.connection).toBe("connecting");
  });

  it("are read again within 150 ms where an event touches them, once for a burst", async () => {
    const { box, live } = await started();
    box.asked = [];
    box.calls = [call("c1")];
    for (let count = 0; count < 20; count += 1) box.say("menu-entered", { call: "c1" });
    await vi.advanceTimersByTimeAsync(150);
    expect(box.asked).toEqual(["calls"]);
    expect(live.state.value.calls).toHaveLength(1);
  });

  it("are not read again for an event they already contain", async () => {
    const { box } = await started();
    box.asked = [];
    box.reader?.message({ type: "menu-entered", seq: 10, call: "c1" });
    await vi.advanceTimersByTimeAsync(500);
    expect(box.asked).toEqual([]);
  });

  it("take the panel from its message", async () => {
    const { box, live } = await started();
    const lamp = { id: "power", label: {}, color: "green", mode: "on", meaning: {} };
    box.reader?.message({ type: "panel", items: [lamp] });
    expect(live.state.value.panel).toEqual([lamp]);
  });

  it("are all read after a resync", async () => {
    const { box } = await started();
    box.asked = [];
    box.reader?.message({ type: "resync", seq: 500 });
    await vi.advanceTimersByTimeAsync(150);
    expect(box.asked).toHaveLength(6);
  });

  it("stop being live at once when the stream is lost, and come back by themselves", async () => {
    const { box, live } = await started();
    box.down = true;
    box.reader?.lost();
    expect(live.state.value.connection).toBe("reconnecting");
    await vi.advanceTimersByTimeAsync(5_000);
    expect(live.state.value.connection).toBe("reconnecting");
    box.down = false;
    box.seq = 1242;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(box.opened.at(-1)).toBe(1242);
    box.reader?.opened();
    expect(live.state.value.connection).toBe("live");
  });

  it("stop being live when they cannot be read any more", async () => {
    const { box, live } = await started();
    box.down = true;
    box.say("call-started", { call: "c9" });
    await vi.advanceTimersByTimeAsync(200);
    expect(live.state.value.connection).toBe("reconnecting");
    expect(box.closed).toBe(1);
  });

  it("ask whether a silent connection still is one", async () => {
    const { box, live } = await started();
    box.asked = [];
    await vi.advanceTimersByTimeAsync(16_000);
    expect(box.asked).toEqual(["agents"]);
    expect(live.state.value.connection).toBe("live");
    box.down = true;
    await vi.advanceTimersByTimeAsync(20_000);
    expect(live.state.value.connection).toBe("reconnecting");
  });

  it("ignore what a closed stream still says", async () => {
    const { box, live } = await started();
    live.stop();
    box.asked = [];
    await vi.advanceTimersByTimeAsync(60_000);
    expect(box.asked).toEqual([]);
  });

  it("are only those that the role may see", async () => {
    const { box, live } = await started("wallboard");
    expect(box.asked.sort()).toEqual(["agents", "panel", "queues"]);
    box.asked = [];
    box.say("queue-entered", { call: "c1" });
    await vi.advanceTimersByTimeAsync(150);
    expect(box.asked.sort()).toEqual(["agents", "queues"]);
    live.stop();
    expect(live.state.value.loaded).toBe(false);
  });

  it("take nothing from before a log-out", async () => {
    const box = new FakeBox();
    const live = new Live(box);
    live.start("admin");
    live.stop();
    live.start("agent");
    await vi.advanceTimersByTimeAsync(0);
    expect(box.opened).toHaveLength(1);
  });

  it("count the calls that ended", async () => {
    const { box, live } = await started();
    // What came before the lists is no news.
    box.reader?.message({ type: "call-ended", call: "c0", seq: 8 });
    expect(live.state.value.ended).toBe(0);
    box.say("call-ended", { call: "c1" });
    expect(live.state.value.ended).toBe(1);
  });
});

describe("rounds of reading", () => {
  it("never overlap; marks made meanwhile go into the next one", async () => {
    const rounds: string[][] = [];
    let release = (): void => undefined;
    const refresher = new Refresher<string>((names) => {
      rounds.push(names);
      return new Promise((resolve) => (release = resolve));
    }, () => undefined);
    refresher.mark(["a"]);
    await vi.advanceTimersByTimeAsync(120);
    refresher.mark(["b"]);
    refresher.mark(["a", "b"]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(rounds).toEqual([["a"]]);
    release();
    await vi.advanceTimersByTimeAsync(120);
    expect(rounds).toEqual([["a"], ["b", "a"]]);
  });

  it("that fail are tried again, ever more slowly", async () => {
    const at: number[] = [];
    const refresher = new Refresher<string>(() => {
      at.push(Date.now());
      return Promise.reject(new Error("down"));
    }, () => undefined);
    refresher.mark(["a"]);
    await vi.advanceTimersByTimeAsync(60_000);
    const pauses = at.slice(1).map((time, index) => time - (at[index] ?? 0));
    expect(pauses.slice(0, 4)).toEqual([240, 480, 960, 1920]);
    expect(Math.max(...pauses)).toBe(8_000);
    refresher.stop();
  });
});

describe("the box's clock", () => {
  it("is known to a fraction of a second after a few answers", () => {
    const clock = new ServerClock();
    // The box is 5.3 s ahead; answers take 40 ms; Date cuts the fraction off.
    for (let local = 1_000_000; local < 1_003_000; local += 170) {
      const box = local + 20 + 5_300;
      clock.learn(local, local + 40, new Date(Math.floor(box / 1000) * 1000).toUTCString());
    }
    expect(Math.abs(clock.offset - 5_300)).toBeLessThan(200);
  });
  it("follows a step of either clock", () => {
    const clock = new ServerClock();
    clock.learn(1_000_000, 1_000_010, new Date(1_000_000).toUTCString());
    clock.learn(1_001_000, 1_001_010, new Date(91_001_000).toUTCString());
    expect(Math.abs(clock.offset - 90_000_000)).toBeLessThan(1_000);
  });
  it("is the local one while nothing is known", () => {
    const clock = new ServerClock();
    clock.learn(0, 1, null);
    clock.learn(0, 1, "soon");
    expect(clock.offset).toBe(0);
  });
});

describe("a store", () => {
  it("tells its readers of new values only, until they leave", () => {
    const store = new Store(1);
    const seen: number[] = [];
    const leave = store.subscribe((value) => seen.push(value));
    store.set(1);
    store.set(2);
    store.update((value) => value + 1);
    leave();
    store.set(9);
    expect(seen).toEqual([2, 3]);
  });
});
