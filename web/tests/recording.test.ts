import { describe, expect, it } from "vitest";
import { recordActions } from "../src/pages/live/recording";

const call = { state: "talking", record: "on-demand", recording: false, recording_paused: false } as const;

describe("what can be done about the recording of a call", () => {
  it("is nothing where nothing is recorded or nobody talks yet", () => {
    expect(recordActions({ ...call, record: "never" })).toEqual([]);
    expect(recordActions({ ...call, state: "waiting" })).toEqual([]);
  });
  it("is to start and stop it where it is made on demand", () => {
    expect(recordActions(call)).toEqual(["start"]);
    expect(recordActions({ ...call, recording: true })).toEqual(["pause", "stop"]);
    expect(recordActions({ ...call, recording_paused: true })).toEqual(["resume"]);
  });
  it("is to pause what is always recorded", () => {
    expect(recordActions({ ...call, record: "always", recording: true })).toEqual(["pause"]);
    expect(recordActions({ ...call, record: "always", recording_paused: true, state: "held" })).toEqual(["resume"]);
  });
});
