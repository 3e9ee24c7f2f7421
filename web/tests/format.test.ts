import { describe, expect, it } from "vitest";
import { counter, dateField, day, duration, figure, fullDay, hourMinute, percent, timeOfDay, type Manner } from "../src/format";

const tokyo: Manner = { language: "ja", timezone: "Asia/Tokyo", country: "JP" };
const london: Manner = { language: "en", timezone: "Europe/London", country: "GB" };

describe("counter", () => {
  it.each([[0, "0:00"], [7.9, "0:07"], [59, "0:59"], [60, "1:00"], [754, "12:34"], [3723, "1:02:03"], [36000, "10:00:00"], [-3, "0:00"]])("shows %s s as %s", (seconds, text) => {
    expect(counter(seconds)).toBe(text);
  });
});

describe("duration", () => {
  it.each([[0, "0秒", "0 s"], [42.4, "42秒", "42 s"], [60, "1分", "1 min"], [192, "3分12秒", "3 min 12 s"], [3600, "1時間", "1 h"], [3725, "1時間2分", "1 h 2 min"]])("says %s s in words", (seconds, ja, en) => {
    expect(duration(seconds, "ja")).toBe(ja);
    expect(duration(seconds, "en")).toBe(en);
  });
});

describe("times of day", () => {
  const at = "2026-11-21T20:05:09Z";
  it("are those of the site, not of the browser", () => {
    expect(timeOfDay(at, tokyo)).toBe("05:05:09");
    expect(hourMinute(at, tokyo)).toBe("05:05");
    expect(timeOfDay(at, london)).toBe("20:05:09");
  });
  it("have midnight as hour 00", () => {
    expect(timeOfDay("2026-11-21T15:00:00Z", tokyo)).toBe("00:00:00");
  });
  it("name the day in the person's language", () => {
    expect(day(at, tokyo)).toBe("11/22(日)");
    expect(day(at, london)).toBe("Sat 21 Nov");
    expect(fullDay(at, tokyo)).toBe("2026年11月22日");
  });
  it("survive a zone that the browser does not know", () => {
    expect(timeOfDay(at, { ...tokyo, timezone: "Mars/Olympus" })).toMatch(/^\d\d:\d\d:\d\d$/);
  });
  it("give date fields the site's date", () => {
    expect(dateField(Date.parse("2026-12-31T15:00:00Z"), "Asia/Tokyo")).toBe("2027-01-01");
    expect(dateField(Date.parse("2026-12-31T15:00:00Z"), "UTC")).toBe("2026-12-31");
  });
});

describe("figures", () => {
  it("have a dash instead of a share of nothing", () => {
    expect(percent(0, 0)).toBe("–");
    expect(percent(104, 128)).toBe("81%");
    expect(figure(12345, "ja")).toBe("12,345");
  });
});
