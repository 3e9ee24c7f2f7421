import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { AgentStatus, AgentView } from "../../api/types";
import { call as ask } from "../../api/http";
import { useSpeech } from "../../i18n";
import { live, useLive, useNames } from "../../live";
import { Dialog } from "../../parts/dialog";
import { Elapsed } from "../../parts/elapsed";
import { Icon } from "../../parts/icon";
import { Card, Empty } from "../../parts/pieces";
import { explain, say } from "../../parts/toast";
import { maySetStatus, session } from "../../session";
import { useStore } from "../../store";

const TONES: Record<AgentView["state"], string> = { "logged-out": "out", idle: "free", offered: "ring", talking: "talk", hold: "hold", "wrap-up": "wrap" };

export function toneOf(agent: AgentView): string {
  return agent.status === "break" && (agent.state === "idle" || agent.state === "logged-out") ? "break" : TONES[agent.state];
}

export function Agents(): JSX.Element {
  const { t } = useSpeech();
  const agents = useLive((state) => state.agents);
  const [chosen, setChosen] = useState("");
  const { user } = useStore(session);
  const isIn = (agent: AgentView): boolean => agent.status !== "logged-out" || agent.state !== "logged-out";
  // An agent sees himself in full, logged in or not.
  const present = agents.filter((agent) => isIn(agent) || agent.id === user?.agent);
  const away = agents.filter((agent) => !present.includes(agent));
  const changing = agents.find((agent) => agent.id === chosen);
  return (
    <Card title={t.agents.title} class="agents" aside={agents.length > 0 && <span class="note">{t.agents.loggedIn(agents.filter(isIn).length, agents.length)}</span>}>
      {agents.length === 0 && <Empty>{t.agents.empty}</Empty>}
      {present.length > 0 && <ul class="agent-tiles">{present.map((agent) => <AgentTile key={agent.id} agent={agent} change={() => setChosen(agent.id)} />)}</ul>}
      {away.length > 0 && (
        <div class="away">
          <h3>{t.agents.showLoggedOut(away.length)}</h3>
          <ul>{away.map((agent) => <AwayAgent key={agent.id} agent={agent} change={() => setChosen(agent.id)} />)}</ul>
        </div>
      )}
      {changing && <StatusDialog agent={changing} onClose={() => setChosen("")} />}
    </Card>
  );
}

function AgentTile({ agent, change }: { agent: AgentView; change: () => void }): JSX.Element {
  const { t } = useSpeech();
  const { user } = useStore(session);
  const names = useNames();
  const call = useLive((state) => state.calls).find((each) => each.id === agent.call);
  const onBreak = toneOf(agent) === "break";
  const state = onBreak ? agent.reason || t.status.break : t.state[agent.state];
  const with_ = call ? (call.agent === agent.id || call.kind === "inbound" ? names.caller(call).main : names.counterpart(call)) : "";
  const sub = !agent.registered && agent.status !== "logged-out" ? t.agents.noPhone : with_ || (agent.extension ? t.agents.phone(agent.extension) : "");
  const content = (
    <>
      <span class="agent-name"><b>{agent.name || agent.id}</b><small>{agent.number}</small></span>
      <span class="agent-time">{agent.since !== null && <Elapsed since={Date.parse(agent.since)} />}</span>
      <span class="agent-state"><i class="dot" aria-hidden="true" />{state}{agent.status === "break" && !onBreak && <em>→ {t.status.break}</em>}</span>
      <span class={agent.registered ? "agent-sub" : "agent-sub bad"}>{sub}</span>
    </>
  );
  const shape = `agent tone-${toneOf(agent)}`;
  const data = { "data-agent": agent.id, "data-state": agent.state, "data-status": agent.status };
  if (!maySetStatus(user, agent)) return <li class={shape} {...data}><div class="agent-body">{content}</div></li>;
  return <li class={shape} {...data}><button type="button" class="agent-body" title={t.agents.change(agent.name || agent.id)} onClick={change}>{content}</button></li>;
}

function AwayAgent({ agent, change }: { agent: AgentView; change: () => void }): JSX.Element {
  const { t } = useSpeech();
  const { user } = useStore(session);
  const name = agent.name || agent.id;
  const data = { "data-agent": agent.id, "data-state": agent.state, "data-status": agent.status };
  return <li {...data}>{maySetStatus(user, agent) ? <button type="button" class="tag" title={t.agents.change(name)} onClick={change}>{name}</button> : <span class="tag">{name}</span>}</li>;
}

function StatusDialog({ agent, onClose }: { agent: AgentView; onClose: () => void }): JSX.Element {
  const { t } = useSpeech();
  const breaks = useLive((state) => state.system?.breaks) ?? [];
  const [reason, setReason] = useState(agent.reason);
  const [busy, setBusy] = useState(false);
  const name = agent.name || agent.id;
  const run = async (work: Promise<unknown>): Promise<void> => {
    setBusy(true);
    try {
      await work;
      say(t.agents.changed(name));
      onClose();
    } catch (error) {
      say(explain(error), true);
      setBusy(false);
    }
    live.touch("agents", "queues");
  };
  const path = `agents/${encodeURIComponent(agent.id)}`;
  const set = (status: AgentStatus, why = ""): void => void run(ask("PUT", `${path}/status`, why ? { status, reason: why } : { status }));
  return (
    <Dialog title={t.agents.change(name)} onClose={onClose}>
      <div class="status-choices">
        {agent.state === "wrap-up" && <button type="button" class="button primary wide" disabled={busy} onClick={() => void run(ask("POST", `${path}/wrap-up-done`, {}))}><Icon name="check" />{t.agents.finishWrapUp}</button>}
        <button type="button" class="button wide tone-free" disabled={busy} aria-pressed={agent.status === "available"} onClick={() => set("available")}><i class="dot" />{t.setStatus.available}</button>
        {breaks.map((each) => (
          <button key={each.key} type="button" class="button wide tone-break" disabled={busy} aria-pressed={agent.status === "break" && agent.reason === each.name} onClick={() => set("break", each.name)}><i class="dot" />{t.status.break}: {each.name}</button>
        ))}
        <form class="break-form" onSubmit={(event) => { event.preventDefault(); set("break", reason.trim()); }}>
          <input value={reason} onInput={(event) => setReason(event.currentTarget.value)} placeholder={t.agents.reason} aria-label={t.agents.reason} maxLength={40} />
          <button class="button tone-break" disabled={busy} aria-pressed={agent.status === "break"}><i class="dot" />{t.setStatus.break}</button>
        </form>
        <button type="button" class="button wide tone-out" disabled={busy} aria-pressed={agent.status === "logged-out"} onClick={() => set("logged-out")}><i class="dot" />{t.setStatus["logged-out"]}</button>
      </div>
    </Dialog>
  );
}
