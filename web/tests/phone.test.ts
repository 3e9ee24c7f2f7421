import { describe, expect, it } from "vitest";
import { phoneNumber } from "../src/phone";

describe("Japanese numbers", () => {
  it.each([
    ["+81312345678", "03-1234-5678"], ["0661234567", "06-6123-4567"], ["0452345678", "045-234-5678"], ["0463212345", "0463-21-2345"], ["0126723456", "01267-2-3456"], ["0499222345", "04992-2-2345"],
    ["+819012345678", "090-1234-5678"], ["07012345678", "070-1234-5678"], ["05031234567", "050-3123-4567"], ["0120444113", "0120-444-113"], ["08001234567", "0800-123-4567"], ["0570012345", "0570-012-345"],
    ["1840312345678", "184 03-1234-5678"],
  ])("%s is written %s", (number, written) => {
    expect(phoneNumber(number, "JP")).toBe(written);
  });
  it.each(["201", "110", "*43", "anonymous", "+14155550123", "", "031234567", "+81"])("%s stays as it is", (number) => {
    expect(phoneNumber(number, "JP")).toBe(number);
  });
});

it("writes North American numbers their way", () => {
  expect(phoneNumber("+14155550123", "US")).toBe("(415) 555-0123");
  expect(phoneNumber("4155550123", "CA")).toBe("(415) 555-0123");
  expect(phoneNumber("201", "US")).toBe("201");
});

it("leaves numbers of other countries as they are", () => {
  expect(phoneNumber("+442079460000", "GB")).toBe("+442079460000");
});
