import type { Language } from "./api/types";

/** How the site's people write times and figures. */
export interface Manner {
  language: Language;
  /** IANA name: the site's, not the browser's. */
  timezone: string;
  country: string;
}

const LOCALES: Record<Language, string> = { ja: "ja-JP", en: "en-GB" };
const formats = new Map<string, Intl.DateTimeFormat>();

function dateFormat(manner: Manner, name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${manner.language} ${manner.timezone} ${name}`;
  let format = formats.get(key);
  if (!format) {
    const locale = LOCALES[manner.language];
    const settings: Intl.DateTimeFormatOptions = { ...options, hourCycle: "h23" };
    try {
      format = new Intl.DateTimeFormat(locale, { ...settings, timeZone: manner.timezone });
    } catch {
      // A zone this browser does not know: the browser's own is better than no time.
      format = new Intl.DateTimeFormat(locale, settings);
    }
    formats.set(key, format);
  }
  return format;
}

/** 14:05:09 */
export function timeOfDay(at: number | string, manner: Manner): string {
  return dateFormat(manner, "time", { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(new Date(at));
}

/** 14:05 */
export function hourMinute(at: number | string, manner: Manner): string {
  return dateFormat(manner, "minute", { hour: "2-digit", minute: "2-digit" }).format(new Date(at));
}

/** 11/21(土) or Sat 21 Nov */
export function day(at: number | string, manner: Manner): string {
  const japanese = manner.language === "ja";
  return dateFormat(manner, "day", { weekday: "short", day: "numeric", month: japanese ? "numeric" : "short" }).format(new Date(at)).replace(",", "");
}

/** Year, month and day, written out. */
export function fullDay(at: number | string, manner: Manner): string {
  return dateFormat(manner, "full", { dateStyle: "long" }).format(new Date(at));
}

/** A running counter: 0:07, 12:34, 1:02:03. */
export function counter(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const pad = (value: number): string => String(value).padStart(2, "0");
  const minutes = Math.floor(whole / 60) % 60;
  const hours = Math.floor(whole / 3600);
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(whole % 60)}` : `${minutes}:${pad(whole % 60)}`;
}

/** Bytes as people read them: 640 kB, 1.9 MB. */
export function size(bytes: number, language: Language): string {
  const [value, unit] = bytes < 1e6 ? [Math.max(1, Math.round(bytes / 1e3)), "kB"] : [Math.round(bytes / 1e5) / 10, "MB"];
  return `${value.toLocaleString(LOCALES[language])} ${unit}`;
}

/** A finished duration in words: 3分12秒, 3 min 12 s. */
export function duration(seconds: number, language: Language): string {
  const whole = Math.max(0, Math.round(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const rest = whole % 60;
  const words = language === "ja" ? { h: "時間", m: "分", s: "秒", gap: "" } : { h: " h", m: " min", s: " s", gap: " " };
  const parts: string[] = [];
  if (hours > 0) parts.push(`${hours}${words.h}`);
  if (minutes > 0) parts.push(`${minutes}${words.m}`);
  if ((rest > 0 && hours === 0) || parts.length === 0) parts.push(`${rest}${words.s}`);
  return parts.join(words.gap);
}

export function figure(value: number, language: Language): string {
  return new Intl.NumberFormat(LOCALES[language]).format(value);
}

/** A share of a whole as percent; a dash when there is no whole. */
export function percent(part: number, whole: number): string {
  return whole > 0 ? `${Math.round((100 * part) / whole)}%` : "–";
}

/** The date of a moment in the site's zone as YYYY-MM-DD, the form of date fields and of the API. */
export function dateField(at: number, timezone: string): string {
  const manner: Manner = { language: "en", timezone, country: "" };
  const parts = dateFormat(manner, "field", { year: "numeric", month: "2-digit", day: "2-digit" }).formatToParts(new Date(at));
  const part = (type: string): string => parts.find((each) => each.type === type)?.value ?? "";
  return `${part("year")}-${part("month")}-${part("day")}`;
}
