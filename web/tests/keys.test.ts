import { describe, expect, it } from "vitest";
import type { LegView } from "../src/api/types";
import { KeySender, mayPress } from "../src/pages/live/keys";

const leg = { id: "l", direction: "out", state: "ringing", activity: "idle", extension: "", trunk: "carrier", agent: "", number: "", name: "", codec: "PCMU", packets: 0, lost: 0, jitter_ms: 0 } as LegView;

describe("keys for the other party", () => {
  it("can be pressed while people talk, and for a line that speaks before it answers", () => {
    expect(mayPress({ state: "talking", legs: [] })).toBe(true);
    expect(mayPress({ state: "waiting", legs: [] })).toBe(false);
    expect(mayPress({ state: "ringing", legs: [leg] })).toBe(true);
    expect(mayPress({ state: "ringing", legs: [{ ...leg, codec: "" }] })).toBe(false);
    expect(mayPress({ state: "menu", legs: [{ ...leg, direction: "in" }] })).toBe(false);
  });
  it("go in their order, those pressed meanwhile together", async () => {
    const sent: string[] = [];
    let release = (): void => undefined;
    const sender = new KeySender((keys) => { sent.push(keys); return new Promise((resolve) => { release = resolve; }); });
    for (const key of "123") sender.press(key);
    expect(sent).toEqual(["1"]);
    release();
    await Promise.resolve();
    await Promise.resolve();
    expect(sent).toEqual(["1", "23"]);
  });
  it("are forgotten when the call has ended", async () => {
    const failures: unknown[] = [];
    const sender = new KeySender(() => Promise.reject(new Error("gone")));
    sender.fail = (error) => failures.push(error);
    sender.press("1");
    sender.press("2");
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(failures).toHaveLength(1);
  });
});
