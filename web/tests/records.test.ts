import { describe, expect, it } from "vitest";
import type { AgentView, CallRecord, CallView, QueueView, RegistrationView } from "../src/api/types";
import type { Manner } from "../src/format";
import { en } from "../src/i18n/en";
import { ja } from "../src/i18n/ja";
import { isWaiting, Names, type Directory } from "../src/names";
import { deletionOf, encryptionOf, storyOf } from "../src/pages/records/moments";
import { daysOf, isSearching, readSearch, typed, writeSearch } from "../src/pages/records/query";

const manner: Manner = { language: "en", timezone: "Asia/Tokyo", country: "JP" };
const directory: Directory = {
  agents: [{ id: "aiko", name: "Aiko" } as AgentView],
  queues: [{ id: "support", number: "600", name: "Support" } as QueueView],
  registrations: [{ extension: "201", name: "Desk 1", contacts: [], busy: false } as RegistrationView],
};
const names = new Names(directory, en, manner);

const record: CallRecord = {
  id: "c1", journey: "c1", kind: "inbound", from: "+819012345678", from_name: "", to: "0312345678", trunk: "carrier", queue: "support", agent: "aiko", started: "2026-11-21T00:00:00Z", answered: "2026-11-21T00:00:40Z",
  ended: "2026-11-21T00:03:00Z", wait_seconds: 34, talk_seconds: 140, hold_seconds: 0, cause: "answered", recording: null, answered_by: "", fax: false, mos: 4.4, quality: "good",
};

describe("the search", () => {
  it("is written into the address and read from it", () => {
    const search = readSearch(new URLSearchParams("from=2026-11-01&queue=support&number=0120&cursor=evil"));
    expect(writeSearch(search)).toBe("?from=2026-11-01&number=0120&queue=support");
    expect(isSearching(search)).toBe(true);
  });
  it("is nothing when nothing is asked for", () => {
    const search = readSearch(new URLSearchParams(""));
    expect(writeSearch(search)).toBe("");
    expect(isSearching(search)).toBe(false);
  });
  it("tells who was not heard and why", () => {
    const moments = [
      { type: "leg-started", at: record.started, leg: "c1-1", call: "c1", extension: "201" },
      { type: "one-way-audio", at: record.started, leg: "c1-1", reason: "other-source" },
      { type: "one-way-audio-ended", at: record.started, leg: "c1-1" },
      { type: "one-way-audio", at: record.started, leg: "c1-1", reason: "digital-silence" },
      { type: "one-way-audio", at: record.started, leg: "c1-1", reason: "not-received", direction: "to" },
      { type: "one-way-audio-ended", at: record.started, leg: "c1-1", direction: "to" },
    ];
    const story = storyOf(record, moments, en, names, manner).map((line) => line.text);
    expect(story).toHaveLength(5);
    expect(story[0]).toMatch(/Desk 1 is not heard: audio came from another address$/);
    expect(story[1]).toMatch(/Desk 1 is heard$/);
    expect(story[2]).toMatch(/muted/);
    expect(story[3]).toMatch(/Desk 1 hears nothing: reports that no audio arrives$/);
    expect(story[4]).toMatch(/Desk 1 hears again$/);
  });
  it("takes digits for a number and words for a name", () => {
    expect(typed(" 03-1234 ")).toEqual({ number: "03-1234", text: "" });
    expect(typed("ヤマダ")).toEqual({ number: "", text: "ヤマダ" });
    expect(typed("2nd floor")).toEqual({ number: "", text: "2nd floor" });
    expect(typed("--")).toEqual({ number: "", text: "" });
  });
  it("knows the days of a period at the site", () => {
    const now = Date.parse("2026-11-21T16:00:00Z");
    expect(daysOf("today", now, "Asia/Tokyo")).toEqual({ from: "2026-11-22", to: "2026-11-22" });
    expect(daysOf("yesterday", now, "Asia/Tokyo")).toEqual({ from: "2026-11-21", to: "2026-11-21" });
    expect(daysOf("week", now, "UTC")).toEqual({ from: "2026-11-15", to: "2026-11-21" });
    expect(daysOf("anyTime", now, "UTC")).toEqual({ from: "", to: "" });
  });
});

describe("names", () => {
  const call = (more: Partial<CallView>): CallView => ({ kind: "inbound", from: "0312345678", to: "600", from_name: "", agent: "", queue: "", destination: "", state: "menu", answered: null, ...more }) as CallView;
  it("of numbers are ours or the national form", () => {
    expect(names.party("201")).toBe("201 Desk 1");
    expect(names.party("600")).toBe("600 Support");
    expect(names.party("+81312345678")).toBe("03-1234-5678");
    expect(names.party("anonymous")).toBe("Number withheld");
    expect(names.party("")).toBe("Number withheld");
  });
  it("of destinations are words", () => {
    expect(names.destination("queue:support")).toBe("Support");
    expect(names.destination("extension:201")).toBe("Phone 201 Desk 1");
    expect(names.destination("announcement:closed")).toBe("Announcement closed");
    expect(names.destination("hangup")).toBe("Hang up");
    expect(names.destination("teleport:mars")).toBe("teleport:mars");
  });
  it("of whom an agent calls are the other's, not the agent's own", () => {
    expect(names.counterpart(call({ kind: "outbound", agent: "aiko", from: "201", to: "0312345678", destination: "number:0312345678" }))).toBe("03-1234-5678");
    expect(names.counterpart(call({ kind: "internal", agent: "aiko", from: "202", to: "600", queue: "support", destination: "queue:support" }))).toBe("Aiko");
  });
  it("of the caller say the name before the number", () => {
    expect(names.caller(call({ from_name: "Ms Blake" }))).toEqual({ main: "Ms Blake", sub: "03-1234-5678" });
    expect(names.caller(call({ from: "201", from_name: "Desk 1" }))).toEqual({ main: "201 Desk 1", sub: "" });
  });
  it("of the other side are the agent, else where the call goes", () => {
    expect(names.counterpart(call({ agent: "aiko" }))).toBe("Aiko");
    expect(names.counterpart(call({ destination: "menu:main" }))).toBe("Menu main");
    expect(names.counterpart(call({ kind: "internal", to: "201", destination: "extension:201" }))).toBe("201 Desk 1");
  });
  it("a caller waits until an agent has answered", () => {
    expect(isWaiting(call({ state: "waiting" }))).toBe(true);
    expect(isWaiting(call({ state: "ringing", queue: "support" }))).toBe(true);
    expect(isWaiting(call({ state: "ringing", queue: "" }))).toBe(false);
    expect(isWaiting(call({ state: "talking", queue: "support", answered: "2026-11-21T00:00:00Z" }))).toBe(false);
  });
});

describe("the story of a call", () => {
  it("is told from its events", () => {
    const story = storyOf(record, [
      { type: "call-started", at: "t0", caller: record.from, called: record.to },
      { type: "menu-key", at: "t1", key: "1" },
      { type: "queue-entered", at: "t2", queue: "support", position: 2 },
      { type: "queue-offer-ended", at: "t3", agent: "aiko", outcome: "no-answer" },
      { type: "something-new", at: "t4" },
      { type: "call-ended", at: "t5", reason: "abandoned" },
      { type: "queue-left", at: "t5", queue: "support", outcome: "abandoned", waited: 23.3 },
    ], en, names, manner);
    expect(story.map((line) => line.text)).toEqual(["090-1234-5678 calls 03-1234-5678", "Presses 1", "Waits in Support as no. 2", "Aiko: did not answer", "Leaves the queue after 23 s: hung up", "Call ends: Abandoned"]);
  });
  it("says whose phone rings, once", () => {
    const story = storyOf(record, [
      { type: "leg-started", at: "t0", leg: "c1-2", direction: "out", extension: "201", agent: "" },
      { type: "leg-started", at: "t0", leg: "c1-1", direction: "in", extension: "202", agent: "" },
      { type: "leg-ringing", at: "t1", leg: "c1-1" },
      { type: "leg-ringing", at: "t1", leg: "c1-2" },
      { type: "queue-offered", at: "t2", queue: "support", agent: "aiko" },
      { type: "leg-started", at: "t2", leg: "c1-3", direction: "out", extension: "202", agent: "aiko" },
      { type: "leg-ringing", at: "t3", leg: "c1-3" },
    ], en, names, manner);
    expect(story.map((line) => line.text)).toEqual(["201 Desk 1 rings", "Aiko is rung"]);
  });
  it("says that the box was away meanwhile, and what became of the recording afterwards", () => {
    const moments = [
      { type: "call-taken-over", at: "t1", call: "c1", away: 3.4 },
      { type: "recording-converted", at: "t3", recording: "c1-1", bytes: 640_000, before: 5_760_044 },
      { type: "answered-by", at: "t2", leg: "c1-2", result: "unknown", cause: "initial-silence" },
      { type: "call-ended", at: "t2", reason: "answered" },
      { type: "recording-deleted", at: "2026-12-24T18:00:00Z", recording: "c1-1", days: 30 },
    ];
    expect(storyOf(record, moments, en, names, manner).map((line) => line.text)).toEqual([
      "The box was away for 3 s; the conversation went on", "Nobody spoke", "Call ends: Answered", "Recording made smaller (5.8 MB to 640 kB, Opus)", "Recording deleted: kept for 30 days",
    ]);
    expect(storyOf(record, moments, ja, names, { ...manner, language: "ja" }).map((line) => line.text)).toEqual([
      "本体が 3秒停止、通話はそのまま継続", "応答後は無音", "通話終了: 応答", "録音を圧縮（5.8 MB → 640 kB、Opus）", "録音を削除（保存期間 30 日）",
    ]);
    expect(deletionOf(moments)).toEqual({ at: "2026-12-24T18:00:00Z", days: 30 });
    expect(deletionOf(moments.slice(0, 4))).toBeNull();
    expect(deletionOf(undefined)).toBeNull();
  });
  it("is told from the record where no events were kept, in either language", () => {
    expect(storyOf(record, undefined, en, names, manner).map((line) => [line.at, line.text])).toEqual([
      ["2026-11-21T00:00:00Z", "090-1234-5678 calls 03-1234-5678"],
      ["2026-11-21T00:00:06.000Z", "Sent to: Support"],
      ["2026-11-21T00:00:40Z", "Conversation with Aiko begins"],
      ["2026-11-21T00:03:00Z", "Call ends: Answered"],
    ]);
    const japanese = new Names(directory, ja, { ...manner, language: "ja" });
    expect(storyOf(record, [], ja, japanese, manner).at(-1)?.text).toBe("通話終了: 応答");
  });
});

describe("encryption of a call", () => {
  const legs = [
    { type: "leg-started", at: "", leg: "a", extension: "201" },
    { type: "leg-started", at: "", leg: "b", number: "0312345678" },
  ];
  const answered = (leg: string, srtp: string) => ({ type: "leg-answered", at: "", leg, srtp });
  it("is told by whom it was to, in both languages", () => {
    const half = [...legs, answered("a", "AEAD_AES_128_GCM"), answered("b", "")];
    expect(encryptionOf(half, en, names)).toBe("201 Desk 1 only");
    expect(encryptionOf(half, ja, names)).toContain("のみ");
    expect(encryptionOf([...legs, answered("a", "x"), answered("b", "x")], en, names)).toBe("Everybody");
  });
  it("is nothing to speak of where there was none", () => {
    expect(encryptionOf([...legs, answered("a", ""), answered("b", "")], en, names)).toBe("");
    expect(encryptionOf(undefined, en, names)).toBe("");
  });
});
