import { describe, expect, test } from "vitest";
import { secureAddress } from "../src/secure";
import { dialled, failure, withNews, type CallMessage } from "../src/telephone/messages";

const news = (call: string, state: CallMessage["state"], seconds = 0): CallMessage => ({
  type: "call", call, direction: "in", state, number: "204", name: "", held_by_other: false, seconds, status: 0, by: "",
});

describe("a number as it is typed", () => {
  test.each([["03-1234-5678", "0312345678"], ["０３（１２３４）５６７８", "0312345678"], ["+81 3 1234 5678", "+81312345678"], ["*43", "*43"], ["090ー1234ー5678", "09012345678"]])("%s", (typed, number) => {
    expect(dialled(typed)).toBe(number);
  });
  test.each(["", "abc", "204@x", "1".repeat(41)])("%s is none", (typed) => {
    expect(dialled(typed)).toBe("");
  });
});

test("calls keep their order, change in place and go when they end", () => {
  let calls = withNews([], news("1", "ringing"), 1000);
  calls = withNews(calls, news("2", "ringing"), 1000);
  calls = withNews(calls, news("1", "talking", 2), 5000);
  expect(calls.map(({ call, state, since }) => [call, state, since])).toEqual([["1", "talking", 3000], ["2", "ringing", 1000]]);
  expect(withNews(calls, news("1", "ended"), 6000).map((each) => each.call)).toEqual(["2"]);
});

describe("why a call came to nothing", () => {
  const ended = (status: number, more: Partial<CallMessage> = {}): string => failure({ ...news("1", "ended"), direction: "out", by: "them", status, ...more });
  test.each([[486, "busy"], [603, "busy"], [480, "nobody"], [404, "number"], [403, "forbidden"], [503, "unreachable"], [500, "unreachable"]])("%d", (status, why) => {
    expect(ended(status)).toBe(why);
  });
  test("is not said of one that we gave up, that was talked, or that came in", () => {
    expect([ended(487, { by: "us" }), ended(486, { seconds: 3 }), ended(486, { direction: "in" }), ended(486, { state: "ringing" })]).toEqual(["", "", "", ""]);
  });
});

test("the address by HTTPS is given where it is another one", () => {
  expect(secureAddress(8443, { protocol: "http:", hostname: "192.168.1.20" })).toBe("https://192.168.1.20:8443/");
  expect(secureAddress(443, { protocol: "http:", hostname: "hako.local" }, "/live")).toBe("https://hako.local/live");
  expect(secureAddress(0, { protocol: "http:", hostname: "x" })).toBe("");
  expect(secureAddress(8443, { protocol: "https:", hostname: "x" })).toBe("");
});
