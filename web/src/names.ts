import type { CallView } from "./api/types";
import type { Manner } from "./format";
import type { Words } from "./i18n";
import type { LiveState } from "./live/live";
import { phoneNumber } from "./phone";

export type Directory = Pick<LiveState, "agents" | "queues" | "registrations">;

/** Numbers that say that the caller withheld his. */
const WITHHELD = new Set(["", "anonymous", "unknown", "private"]);

/** Turns ids and numbers into what people call them. */
export class Names {
  constructor(private readonly directory: Directory, private readonly t: Words, private readonly manner: Manner) {}

  agent(id: string): string {
    return this.directory.agents.find((agent) => agent.id === id)?.name || id;
  }

  queue(id: string): string {
    return this.directory.queues.find((queue) => queue.id === id)?.name || id;
  }

  /** "201 Desk 1" */
  extension(number: string): string {
    const name = this.directory.registrations.find((phone) => phone.extension === number)?.name;
    return name ? `${number} ${name}` : number;
  }

  number(number: string): string {
    return WITHHELD.has(number.toLowerCase()) ? this.t.calls.anonymous : phoneNumber(number, this.manner.country);
  }

  /** A number of ours with its name, any other one as people write it. */
  party(number: string): string {
    if (this.directory.registrations.some((phone) => phone.extension === number)) return this.extension(number);
    const queue = this.directory.queues.find((each) => each.number !== "" && each.number === number);
    return queue?.name ? `${number} ${queue.name}` : this.number(number);
  }

  /** `queue:support` in words. */
  destination(destination: string): string {
    const [kind = "", target = ""] = destination.split(/:(.*)/s);
    const words = this.t.destination;
    switch (kind) {
      case "extension": return words.extension(this.extension(target));
      case "queue": return words.queue(this.queue(target));
      case "number": return words.number(this.number(target));
      case "menu": case "group": case "hours": case "announcement": case "voicemail": case "conference": return words[kind](target);
      case "music": case "hangup": return words[kind];
      default: return destination;
    }
  }

  caller(call: { from: string; from_name: string }): { main: string; sub: string } {
    const number = this.party(call.from);
    const known = call.from_name && !number.includes(call.from_name);
    return known ? { main: call.from_name, sub: number } : { main: number, sub: "" };
  }

  /** Whom the caller talks with, or is being connected to. */
  counterpart(call: CallView): string {
    if (isServed(call)) return this.agent(call.agent);
    if (call.kind === "inbound" && call.destination) return this.destination(call.destination);
    const [kind = ""] = call.destination.split(":");
    if (kind === "" || kind === "extension" || kind === "number") return this.party(call.to);
    return this.destination(call.destination);
  }
}

/** Who answered a call of ours, as far as people tell it apart. */
export type Verdict = "human" | "machine" | "fax" | "silence" | "unknown";

export function verdictOf(result: string, cause: string): Verdict {
  if (cause === "fax") return "fax";
  if (cause === "initial-silence") return "silence";
  return result === "human" || result === "machine" ? result : "unknown";
}

/** Whether the agent is the one who was called: whoever calls from outside or asks for a queue talks with the agent, an
 * agent who calls somebody is the caller. */
export function isServed(call: Pick<CallView, "agent" | "kind" | "queue">): boolean {
  return call.agent !== "" && (call.kind === "inbound" || call.queue !== "");
}

/** A caller who waits for an agent: in the queue, or while an agent is being rung for him. */
export function isWaiting(call: CallView): boolean {
  return call.state === "waiting" || (call.state === "ringing" && call.queue !== "" && call.answered === null);
}
