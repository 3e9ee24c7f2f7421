import type { CallRecord, MomentView } from "../../api/types";
import { duration, size, type Manner } from "../../format";
import type { Words } from "../../i18n";
import { verdictOf, type Names } from "../../names";

/** A line of the story of a call. */
export interface Line {
  at: string;
  text: string;
  /** The kind of its dot: start, wait, ring, talk, end, or plain. */
  tone: string;
}

const text = (moment: MomentView, field: string): string => (typeof moment[field] === "string" ? (moment[field] as string) : "");
const number = (moment: MomentView, field: string): number => (typeof moment[field] === "number" ? (moment[field] as number) : 0);

type Teller = (moment: MomentView, t: Words, names: Names, manner: Manner) => readonly [string, string] | null;

const party = (moment: MomentView, names: Names): string =>
  (text(moment, "agent") && names.agent(text(moment, "agent"))) || (text(moment, "extension") && names.extension(text(moment, "extension"))) || "";

/** Who is not heard, or hears nothing, and why. */
function oneWay(moment: MomentView, t: Words, who: string): string {
  const reason = text(moment, "reason");
  if (reason === "digital-silence") return t.voice.muted(who);
  const what = text(moment, "direction") === "to" ? t.voice.hearsNothing(who) : t.voice.notHeard(who);
  return `${what}: ${t.voice.unheard[reason] ?? reason}`;
}

/** How each event is told; what is not named here says nothing to people. */
const TELLERS: Record<string, Teller> = {
  "call-started": (moment, t, names) => [t.moment.started(names.party(text(moment, "caller")), names.party(text(moment, "called"))), "start"],
  // Menus and queues tell of themselves.
  "call-routed": (moment, t, names) => (/^(?:menu|queue):/.test(text(moment, "destination")) ? null : [t.moment.routed(names.destination(text(moment, "destination"))), "plain"]),
  "menu-entered": (moment, t) => [t.moment.menu(text(moment, "menu")), "plain"],
  "menu-key": (moment, t) => [t.moment.key(text(moment, "key")), "plain"],
  "menu-left": (moment, t) => (text(moment, "outcome") === "key" ? null : [t.moment.menuLeft(t.menuOutcome[text(moment, "outcome")] ?? text(moment, "outcome")), "plain"]),
  "queue-entered": (moment, t, names) => {
    const queue = names.queue(text(moment, "queue"));
    return [number(moment, "position") > 0 ? t.moment.queueEntered(queue, number(moment, "position")) : t.moment.routed(queue), "wait"];
  },
  "queue-position": (moment, t) => [t.moment.position(number(moment, "position")), "wait"],
  "queue-offered": (moment, t, names) => [t.moment.offered(names.agent(text(moment, "agent"))), "ring"],
  // An offer that was answered shows as the conversation, a withdrawn one as what withdrew it.
  "queue-offer-ended": (moment, t, names) => (/^(?:answered|withdrawn)$/.test(text(moment, "outcome")) ? null : [t.moment.offerEnded(names.agent(text(moment, "agent")), t.offerOutcome[text(moment, "outcome")] ?? text(moment, "outcome")), "ring"]),
  "queue-left": (moment, t, _, manner) => (text(moment, "outcome") === "answered" ? null : [t.moment.queueLeft(t.queueOutcome[text(moment, "outcome")] ?? text(moment, "outcome"), duration(number(moment, "waited"), manner.language)), "end"]),
  // The caller's own leg "rings" too; an agent's leg is told by its offer.
  "leg-ringing": (moment, t, names) => (text(moment, "direction") === "out" && party(moment, names) && !text(moment, "agent") ? [t.moment.ringing(party(moment, names)), "ring"] : null),
  "leg-bridged": (moment, t, names) => [text(moment, "agent") ? t.moment.bridgedWith(names.agent(text(moment, "agent"))) : t.moment.bridged, "talk"],
  "leg-held": (_, t) => [t.moment.held, "wait"],
  "leg-resumed": (_, t) => [t.moment.resumed, "talk"],
  "leg-moved": (_, t) => [t.moment.moved, "plain"],
  "one-way-audio": (moment, t, names) => [oneWay(moment, t, party(moment, names) || names.number(text(moment, "number"))), "wait"],
  "one-way-audio-ended": (moment, t, names) => {
    const who = party(moment, names) || names.number(text(moment, "number"));
    return [text(moment, "direction") === "to" ? t.voice.hearsAgain(who) : t.voice.heardAgain(who), "talk"];
  },
  "recording-started": (_, t) => [t.moment.recordingStarted, "plain"],
  "recording-paused": (moment, t) => [text(moment, "how") === "stop" ? t.moment.recordingHalted : t.moment.recordingPaused, "plain"],
  "recording-resumed": (_, t) => [t.moment.recordingResumed, "plain"],
  "recording-stopped": (_, t) => [t.moment.recordingStopped, "plain"],
  "recording-converted": (moment, t, _, manner) => [t.moment.recordingConverted(size(number(moment, "before"), manner.language), size(number(moment, "bytes"), manner.language)), "plain"],
  "recording-deleted": (moment, t) => [t.moment.recordingDeleted(number(moment, "days")), "plain"],
  "call-taken-over": (moment, t, _, manner) => [t.moment.takenOver(duration(Math.max(1, number(moment, "away")), manner.language)), "plain"],
  "listening-started": (moment, t) => [t.moment.listening(text(moment, "by").replace(/^\w+:/, "")), "plain"],
  "listening-stopped": (_, t) => [t.moment.listeningEnded, "plain"],
  "fax-detected": (moment, t, names) => [t.moment.fax(text(moment, "to") && names.destination(text(moment, "to"))), "plain"],
  "answered-by": (moment, t) => [t.answeredBy[verdictOf(text(moment, "result"), text(moment, "cause"))], "plain"],
  "greeting-ended": (_, t) => [t.moment.greetingEnded, "plain"],
  "keys-sent": (moment, t) => [t.moment.keysSent(number(moment, "count")), "plain"],
  "decision-failed": (_, t) => [t.moment.failed, "end"],
  "call-ended": (moment, t) => [t.moment.ended(t.cause[text(moment, "reason")] ?? text(moment, "reason")), "end"],
};

const AFTERWARDS = new Set(["recording-converted", "recording-deleted"]);

export function storyOf(record: CallRecord, moments: readonly MomentView[] | undefined, t: Words, names: Names, manner: Manner): Line[] {
  const lines: Line[] = [];
  const known = moments && moments.length > 0 ? moments : fromRecord(record);
  // An event of a leg does not say again whose leg it is.
  const legs = new Map(known.filter((each) => each.type === "leg-started").map((each) => [text(each, "leg"), each]));
  // What the end of a call brings about is written after it, but people expect the end at the end. What becomes of the
  // recording later is no part of the call.
  const place = (moment: MomentView): number => (AFTERWARDS.has(moment.type) ? 2 : moment.type === "call-ended" ? 1 : 0);
  for (const moment of [0, 1, 2].flatMap((wanted) => known.filter((each) => place(each) === wanted))) {
    const told = TELLERS[moment.type]?.({ ...legs.get(text(moment, "leg")), ...moment }, t, names, manner);
    if (told) lines.push({ at: moment.at, text: told[0], tone: told[1] });
  }
  return lines;
}

/** Of a recording whose time was over: when it went, and after how many days; null: it did not. */
export function deletionOf(moments: readonly MomentView[] | undefined): { at: string; days: number } | null {
  const gone = moments?.find((moment) => moment.type === "recording-deleted");
  return gone ? { at: gone.at, days: number(gone, "days") } : null;
}

/** To whom the audio of a call was encrypted, of those who were connected; empty: to nobody. */
export function encryptionOf(moments: readonly MomentView[] | undefined, t: Words, names: Names): string {
  const answered = moments?.filter((moment) => moment.type === "leg-answered") ?? [];
  const secure = answered.filter((moment) => text(moment, "srtp"));
  if (secure.length === 0) return "";
  if (secure.length === answered.length) return t.records.encryptedAll;
  const legs = new Map(moments?.filter((moment) => moment.type === "leg-started").map((moment) => [text(moment, "leg"), moment]));
  const who = secure.map((moment) => legs.get(text(moment, "leg"))).map((leg) => (leg ? party(leg, names) || names.number(text(leg, "number")) : ""));
  return t.records.encryptedOnly([...new Set(who.filter(Boolean))].join(t.calls.and));
}

/** The story as far as the record itself knows it. */
function fromRecord(record: CallRecord): MomentView[] {
  const moments: MomentView[] = [{ type: "call-started", at: record.started, caller: record.from, called: record.to }];
  if (record.queue) {
    const left = record.answered ?? record.ended;
    const entered = left ? Date.parse(left) - record.wait_seconds * 1000 : Date.parse(record.started);
    moments.push({ type: "queue-entered", at: new Date(Math.max(entered, Date.parse(record.started))).toISOString(), queue: record.queue });
  }
  if (record.answered) moments.push({ type: "leg-bridged", at: record.answered, agent: record.agent });
  if (record.ended) moments.push({ type: "call-ended", at: record.ended, reason: record.cause });
  return moments;
}
