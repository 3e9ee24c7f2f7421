import type { ByLanguage } from "../api/types";

/** The telephone that the person logged in may have in the browser. */
export interface BrowserPhone {
  /** Empty: none. */
  extension: string;
  name: string;
  available: boolean;
  why: ByLanguage;
  remedy: ByLanguage;
}

export type CallStage = "calling" | "ringing" | "early" | "talking" | "held" | "ended";

export interface CallMessage {
  type: "call";
  call: string;
  direction: "in" | "out";
  state: CallStage;
  number: string;
  name: string;
  held_by_other: boolean;
  seconds: number;
  status: number;
  by: "" | "us" | "them";
}

/** What the box tells the page; docs/web-phone.md has the words. */
export type Told =
  | { type: "ready"; token: string; extension: string; name: string; resumed: boolean }
  | { type: "media"; sdp: string; attempt: number }
  | { type: "registered"; on: boolean }
  | CallMessage
  | { type: "refused"; code: "media" | "busy" | "no-such-call" | "number" | "restarting"; text: string }
  | { type: "pong" }
  | { type: "closed"; reason: "left" | "replaced" | "logged-out" | "expired" };

/** What the page says. */
export type Said =
  | { type: "offer"; sdp: string; attempt: number }
  | { type: "dial"; number: string }
  | { type: "answer" | "hang-up"; call: string }
  | { type: "hold"; call: string; on: boolean }
  | { type: "key"; call: string; key: string }
  | { type: "ping" | "leave" };

export type Failure = "" | "busy" | "nobody" | "number" | "forbidden" | "unreachable" | "lost";

/** Why a call that we made came to nothing (RFC 3261 21); empty: it is not over, it was talked, or we gave it up. */
export function failure({ state, direction, seconds, status, by }: CallMessage): Failure {
  if (state !== "ended" || direction !== "out" || seconds || by !== "them" || status < 400) return "";
  if (status === 486 || status === 600 || status === 603) return "busy";
  if (status === 408 || status === 480 || status === 487) return "nobody";
  if (status === 404 || status === 484 || status === 604) return "number";
  return status === 403 ? "forbidden" : "unreachable";
}

/** A number as it is typed, as the box takes it; empty: it is none. */
export function dialled(text: string): string {
  const number = text.normalize("NFKC").replace(/[\s().\-/‐-―ー−]/g, "");
  return /^[0-9*#+]{1,40}$/.test(number) ? number : "";
}

/** The calls after this news, those that were there first in front. */
export function withNews(calls: readonly PhoneCall[], news: CallMessage, now: number): PhoneCall[] {
  if (news.state === "ended") return calls.filter((each) => each.call !== news.call);
  const call: PhoneCall = { ...news, since: now - news.seconds * 1000 };
  return calls.some((each) => each.call === call.call) ? calls.map((each) => (each.call === call.call ? call : each)) : [...calls, call];
}

export interface PhoneCall extends CallMessage {
  /** When it was answered, in ms of this browser's clock. */
  since: number;
}
