import type { ComponentChildren, JSX } from "preact";
import { figure, percent } from "../../format";
import { useSpeech } from "../../i18n";
import { useLive } from "../../live";
import { isWaiting } from "../../names";
import { Elapsed } from "../../parts/elapsed";

/** Seconds after which a waiting caller is shown as waiting long. */
export const LONG_WAIT = 60;

function Tile({ label, tone = "", sub, title, children }: { label: string; tone?: string; sub?: string; title?: string; children: ComponentChildren }): JSX.Element {
  return (
    <div class={`tile ${tone}`} title={title}>
      <dt>{label}</dt>
      <dd><b>{children}</b>{sub && <small>{sub}</small>}</dd>
    </div>
  );
}

/** Since when (ms) the longest waiting caller of these queues waits; 0 when nobody does. */
function longestSince(queues: readonly { waiting: number; longest_wait_seconds: number }[], read: number): number {
  const waits = queues.filter((queue) => queue.waiting > 0).map((queue) => queue.longest_wait_seconds);
  return waits.length > 0 ? read - Math.max(...waits) * 1000 : 0;
}

export function Tiles(): JSX.Element {
  const { t, manner } = useSpeech();
  const { queues, agents, calls, queuesRead } = useLive();
  const sum = (pick: (queue: (typeof queues)[number]) => number): number => queues.reduce((total, queue) => total + pick(queue), 0);
  const waiting = Math.max(sum((queue) => queue.waiting), calls.filter((call) => call.kind === "inbound" && isWaiting(call)).length);
  const since = longestSince(queues, queuesRead);
  const loggedIn = agents.filter((agent) => agent.status !== "logged-out");
  const free = loggedIn.filter((agent) => agent.status === "available" && agent.state === "idle" && agent.registered).length;
  // A wall screen is not told of calls; the agents who talk stand for them.
  const busy = agents.filter((agent) => agent.state === "talking" || agent.state === "hold").length;
  const talking = Math.max(busy, calls.filter((call) => call.state === "talking" || call.state === "held").length);
  const offered = sum((queue) => queue.offered_today);
  const show = (value: number): string => figure(value, manner.language);
  return (
    <dl class="tiles">
      <Tile label={t.live.waitingNow} tone={waiting > 0 ? "tone-warn" : ""}>{show(waiting)}</Tile>
      <Tile label={t.live.longestWait}>{since > 0 ? <Elapsed since={since} alarm={LONG_WAIT} /> : "–"}</Tile>
      <Tile label={t.live.inProgress}>{show(talking)}</Tile>
      <Tile label={t.live.agentsFree} tone={waiting > 0 && free === 0 ? "tone-warn" : ""} sub={t.live.ofLoggedIn(loggedIn.length)}>{show(free)}</Tile>
      <Tile label={t.live.answeredToday} sub={t.live.ofOffered(offered)}>{show(sum((queue) => queue.answered_today))}</Tile>
      <Tile label={t.live.abandonedToday} sub={offered > 0 ? percent(sum((queue) => queue.abandoned_today), offered) : ""}>{show(sum((queue) => queue.abandoned_today))}</Tile>
      <Tile label={t.live.serviceLevel} title={t.live.levelMeaning}>{percent(sum((queue) => queue.answered_in_level_today), offered)}</Tile>
    </dl>
  );
}
