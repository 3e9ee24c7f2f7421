/** The lists the live page is made of. */
export const LISTS = ["calls", "agents", "queues", "registrations", "trunks", "faults"] as const;
export type ListName = (typeof LISTS)[number];

const BY_PREFIX: readonly (readonly [string, readonly ListName[]])[] = [
  ["call-", ["calls", "queues"]],
  ["leg-", ["calls", "agents"]],
  ["menu-", ["calls"]],
  ["queue-", ["calls", "queues", "agents"]],
  ["agent-", ["agents", "queues", "calls"]],
  ["recording-", ["calls"]],
  ["listening-", ["calls"]],
  ["page-", []],
  ["loudspeaker-", []],
  ["phone-", ["registrations", "agents"]],
  ["trunk-", ["trunks"]],
  ["fault-", ["faults", "trunks"]],
  ["one-way-", ["calls"]],
];

/** These say that a line of a phone or trunk became busy or free. */
const LINES = new Set(["leg-started", "leg-ended", "leg-moved", "call-ended"]);
/** Nothing on the page shows these. */
const UNSHOWN = new Set(["log-in", "menu-key", "recording-segment", "recording-converted", "recording-deleted", "panel", "media-restarted", "decision-failed", "leg-audio"]);

/** Which lists may differ after an event of this type. An unknown type (a newer box) touches all of them. */
export function affected(type: string): readonly ListName[] {
  if (UNSHOWN.has(type)) return [];
  for (const [prefix, lists] of BY_PREFIX) {
    if (type.startsWith(prefix)) return LINES.has(type) ? [...lists, "registrations", "trunks"] : lists;
  }
  return LISTS;
}
