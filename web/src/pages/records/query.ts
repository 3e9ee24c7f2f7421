import { dateField } from "../../format";

/** What the records page searches for, as its address says; empty fields do not filter. */
export interface RecordSearch {
  from: string;
  to: string;
  number: string;
  /** Part of a name. */
  text: string;
  agent: string;
  queue: string;
  kind: string;
  service: string;
}

const FIELDS = ["from", "to", "number", "text", "agent", "queue", "kind", "service"] as const;

export function readSearch(params: URLSearchParams): RecordSearch {
  const search: RecordSearch = { from: "", to: "", number: "", text: "", agent: "", queue: "", kind: "", service: "" };
  for (const field of FIELDS) search[field] = params.get(field) ?? "";
  return search;
}

/** The address part of a search: `?from=…`, or nothing when it does not filter. */
export function writeSearch(search: RecordSearch): string {
  const params = new URLSearchParams();
  for (const field of FIELDS) if (search[field]) params.set(field, search[field]);
  const text = params.toString();
  return text && `?${text}`;
}

/** What somebody typed is part of a number when it can be one, else part of a name. */
export function typed(words: string): Pick<RecordSearch, "number" | "text"> {
  const text = words.trim();
  return /^[\d\s+*#().-]*$/.test(text) ? { number: /\d/.test(text) ? text : "", text: "" } : { number: "", text };
}

export function isSearching(search: RecordSearch): boolean {
  return FIELDS.some((field) => search[field] !== "");
}

export type Period = "today" | "yesterday" | "week" | "month" | "anyTime";
export const PERIODS: readonly Period[] = ["today", "yesterday", "week", "month", "anyTime"];

const DAY = 86_400_000;

/** First and last day of a period, in the site's zone. */
export function daysOf(period: Period, now: number, timezone: string): { from: string; to: string } {
  const day = (ago: number): string => dateField(now - ago * DAY, timezone);
  switch (period) {
    case "today": return { from: day(0), to: day(0) };
    case "yesterday": return { from: day(1), to: day(1) };
    case "week": return { from: day(6), to: day(0) };
    case "month": return { from: day(29), to: day(0) };
    case "anyTime": return { from: "", to: "" };
  }
}
