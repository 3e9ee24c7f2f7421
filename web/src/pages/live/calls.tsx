import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { CallView, LegView } from "../../api/types";
import { ApiError, call as ask } from "../../api/http";
import { useSpeech } from "../../i18n";
import { live, useLive, useNames } from "../../live";
import { isWaiting, verdictOf } from "../../names";
import { Dialog } from "../../parts/dialog";
import { Elapsed } from "../../parts/elapsed";
import { Icon } from "../../parts/icon";
import { Card, Empty, KindIcon, Pill } from "../../parts/pieces";
import { unheardWords, Voice, worse } from "../../parts/voice";
import { explain, say } from "../../parts/toast";
import { maySupervise, session } from "../../session";
import { useStore } from "../../store";
import { KeyPad, mayPress } from "./keys";
import { PlaceCall } from "./place-call";
import { RecordButtons, RecordState } from "./recording";
import { LONG_WAIT } from "./tiles";

const TONES: Record<CallView["state"], string> = { routing: "plain", menu: "plain", waiting: "warn", ringing: "ring", talking: "talk", held: "hold", announcement: "plain" };

/** Callers in the order in which they have waited. */
export function Waiting(): JSX.Element {
  const { t } = useSpeech();
  const calls = useLive((state) => state.calls);
  const names = useNames();
  const since = (call: CallView): number => Date.parse(call.queued ?? call.started);
  const waiting = calls.filter((call) => call.queue !== "" && isWaiting(call)).sort((one, other) => since(one) - since(other));
  return (
    <Card title={t.waiting.title} class={waiting.length > 0 ? "waiting has-waiting" : "waiting"} aside={<span class="count">{waiting.length}</span>}>
      {waiting.length === 0 ? <Empty>{t.waiting.empty}</Empty> : (
        <ol class="rows">
          {waiting.map((call) => {
            const caller = names.caller(call);
            return (
              <li key={call.id} class="row waiting-row" data-call={call.id}>
                <span class="place">{call.position > 0 ? t.waiting.position(call.position) : "–"}</span>
                <span class="who"><b>{caller.main}</b>{caller.sub && <small>{caller.sub}</small>}</span>
                <span class="where"><span class="tag">{names.queue(call.queue)}</span>{call.state === "ringing" && <Pill tone="ring">{ringing(call, t, names)}</Pill>}</span>
                <span class="time big"><Elapsed since={since(call)} alarm={LONG_WAIT} /></span>
              </li>
            );
          })}
        </ol>
      )}
    </Card>
  );
}

type Names = ReturnType<typeof useNames>;
type Words = ReturnType<typeof useSpeech>["t"];

/** "Ringing Aiko", as far as it is known who is rung. */
function ringing(call: CallView, t: Words, names: Names): string {
  const rung = call.legs.filter((leg) => leg.direction === "out");
  const who = [...new Set(rung.map((leg) => (leg.agent ? names.agent(leg.agent) : leg.extension ? names.extension(leg.extension) : "")).filter(Boolean))];
  if (who.length === 0 && call.agent) who.push(names.agent(call.agent));
  return who.length === 1 && who[0] ? t.ringingWho(who[0]) : t.callState.ringing;
}

export function Calls(): JSX.Element {
  const { t } = useSpeech();
  const calls = useLive((state) => state.calls);
  const [ending, setEnding] = useState<CallView | null>(null);
  const { user } = useStore(session);
  // An agent has no card of waiting callers: whoever rings at his phone is a call of his.
  const apart = user?.role === "agent" ? [] : calls.filter((call) => call.queue !== "" && isWaiting(call));
  // Somebody who keys a dial code or listens to himself is no call that anybody looks for; his phone is shown busy.
  const shown = calls.filter((call) => call.kind !== "service" && !apart.includes(call));
  useVoiceFigures(shown.some((call) => call.state === "talking"));
  return (
    <Card title={t.calls.title} class="calls" aside={<><PlaceCall /><span class="count">{shown.length}</span></>}>
      {shown.length === 0 ? <Empty>{t.calls.empty}</Empty> : (
        <ul class="rows">{shown.map((call) => <CallRow key={call.id} call={call} hangUp={() => setEnding(call)} />)}</ul>
      )}
      {ending && <HangUp call={ending} onClose={() => setEnding(null)} />}
    </Card>
  );
}

/** How a call sounds is a figure of every five seconds and no event: while somebody talks and the page is seen, it is asked for. */
function useVoiceFigures(talking: boolean): void {
  useEffect(() => {
    if (!talking) return undefined;
    const timer = setInterval(() => {
      if (!document.hidden) live.touch("calls");
    }, 5_000);
    return () => clearInterval(timer);
  }, [talking]);
}

const nameOf = (leg: LegView, names: Names): string => (leg.agent && names.agent(leg.agent)) || (leg.extension && names.extension(leg.extension)) || names.number(leg.number);

/** Said of a call that somebody is not heard in, or that does not sound well. */
function VoiceState({ call, names }: { call: CallView; names: Names }): JSX.Element | null {
  const { t } = useSpeech();
  const silent = call.legs.find((leg) => leg.unheard !== "");
  if (silent) {
    const muted = silent.unheard === "digital-silence";
    return <span title={unheardWords(silent.unheard, t)}><Pill tone={muted ? "plain" : "bad"}>{muted ? t.voice.muted(nameOf(silent, names)) : t.voice.notHeard(nameOf(silent, names))}</Pill></span>;
  }
  const deaf = call.legs.find((leg) => leg.unreached !== "");
  if (deaf) return <span title={unheardWords(deaf.unreached, t)}><Pill tone="bad">{t.voice.hearsNothing(nameOf(deaf, names))}</Pill></span>;
  const worst = call.legs.filter((leg) => leg.quality === "bad" || leg.quality === "fair").sort((one, other) => (worse(one.mos, one.sent_mos) ?? 5) - (worse(other.mos, other.sent_mos) ?? 5))[0];
  return worst ? <Voice quality={worst.quality} mos={worse(worst.mos, worst.sent_mos)} /> : null;
}

function CallRow({ call, hangUp }: { call: CallView; hangUp: () => void }): JSX.Element {
  const { t } = useSpeech();
  const { user } = useStore(session);
  const names = useNames();
  const [open, setOpen] = useState(false);
  const [keys, setKeys] = useState(false);
  const pressing = keys && mayPress(call);
  const caller = names.caller(call);
  const since = Date.parse(call.since);
  const started = Date.parse(call.started);
  const state = call.state === "ringing" ? ringing(call, t, names) : t.callState[call.state];
  return (
    <li class={`row call-row edge-${TONES[call.state]}`} data-call={call.id} data-state={call.state}>
      <KindIcon kind={call.kind} />
      <span class="who"><b>{caller.main}</b>{caller.sub && <small>{caller.sub}</small>}</span>
      <span class="whom"><b>{names.counterpart(call)}</b><small>{[call.queue && names.queue(call.queue), call.trunk].filter(Boolean).join(" · ")}</small></span>
      <span class="state"><Pill tone={TONES[call.state]}>{state}</Pill><Encrypted legs={call.legs} who={(leg) => nameOf(leg, names)} /><RecordState call={call} /><Heard call={call} /><VoiceState call={call} names={names} />{call.loudspeaker && <Pill tone="hold">{t.calls.loudspeaker}</Pill>}</span>
      <span class="time"><span class="big"><Elapsed since={since} /></span>{started < since - 1500 && <small>{t.calls.total} <Elapsed since={started} /></small>}</span>
      <span class="actions">
        {mayPress(call) && <button type="button" class="button quiet square" aria-expanded={pressing} aria-label={t.calls.keys} title={t.calls.keys} onClick={() => setKeys(!keys)}><Icon name="menu" /></button>}
        <RecordButtons call={call} />
        {maySupervise(user) && <HearButton call={call} />}
        <button type="button" class="button quiet square" aria-expanded={open} aria-label={t.calls.show} title={t.calls.show} onClick={() => setOpen(!open)}><Icon name="chevron" /></button>
        {maySupervise(user) && <button type="button" class="button quiet square danger" aria-label={t.calls.hangUp} title={t.calls.hangUp} onClick={hangUp}><Icon name="hangup" /></button>}
      </span>
      {pressing && <KeyPad call={call} />}
      {open && <Legs legs={call.legs} names={names} />}
    </li>
  );
}

/** A lock where the audio of at least one party is encrypted; its title says whose. */
export function Encrypted({ legs, who }: { legs: LegView[]; who: (leg: LegView) => string }): JSX.Element | null {
  const { t } = useSpeech();
  const heard = legs.filter((leg) => leg.codec !== "");
  const secure = heard.filter((leg) => leg.srtp !== "");
  if (secure.length === 0) return null;
  const whole = secure.length === heard.length;
  const text = whole ? t.calls.encrypted : t.calls.encryptedTo(secure.map(who).join(t.calls.and));
  return <span class={whole ? "lock" : "lock part"} title={text} data-lock={whole ? "all" : "part"}><Icon name="lock" label={text} /></span>;
}

/** Puts a conversation on the loudspeaker of the box, where there is one. */
function HearButton({ call }: { call: CallView }): JSX.Element | null {
  const { t } = useSpeech();
  const there = useLive((state) => state.system?.loudspeaker ?? false);
  if (!call.loudspeaker && !(there && (call.state === "talking" || call.state === "held"))) return null;
  const words = call.loudspeaker ? t.calls.hearNoMore : t.calls.hear;
  const turn = async (): Promise<void> => {
    try {
      if (call.loudspeaker) await ask("DELETE", "sound/listening");
      else await ask("PUT", "sound/listening", { call: call.id });
    } catch (error) {
      say(explain(error), true);
    }
    live.touch("calls");
  };
  return <button type="button" class="button quiet square" aria-pressed={call.loudspeaker ?? false} aria-label={words} title={words} onClick={() => void turn()}><Icon name="speaker" /></button>;
}

/** What was found out by listening: who answered, a fax machine. */
function Heard({ call }: { call: CallView }): JSX.Element | null {
  const { t } = useSpeech();
  if (call.answered_by) {
    const verdict = verdictOf(call.answered_by, call.answered_cause);
    return <span data-verdict={verdict}><Pill tone={verdict === "human" ? "free" : verdict === "machine" || verdict === "fax" ? "warn" : "plain"}>{t.answeredBy[verdict]}</Pill></span>;
  }
  if (call.fax) return <span class="heard">{t.fax}</span>;
  return call.judging && call.state === "talking" ? <span class="heard" data-verdict="">{t.place.judging}</span> : null;
}

function Legs({ legs, names }: { legs: LegView[]; names: Names }): JSX.Element {
  const { t } = useSpeech();
  return (
    <ul class="legs" aria-label={t.calls.legs}>
      {legs.map((leg) => {
        const all = leg.packets + leg.lost;
        const share = all > 0 ? `${((100 * leg.lost) / all).toFixed(1)}%` : "";
        return (
          <li key={leg.id}>
            <b>{nameOf(leg, names)}</b>
            <span>{t.legState[leg.state as keyof Words["legState"]] ?? leg.state}</span>
            <span>{[leg.extension ? t.agents.phone(leg.extension) : leg.trunk, leg.codec].filter(Boolean).join(" · ")}{leg.srtp && <span class="lock" title={`${t.calls.encryptedLeg} (${leg.srtp})`} data-lock="leg"><Icon name="lock" label={t.calls.encryptedLeg} /></span>}</span>
            <span title={t.calls.quality}>{leg.packets > 0 ? [t.calls.lost(share), t.calls.jitter(Math.round(leg.jitter_ms)), leg.round_trip_ms === null ? "" : t.voice.roundTrip(Math.round(leg.round_trip_ms))].filter(Boolean).join(" · ") : t.calls.noAudio}</span>
            {leg.unheard + leg.unreached !== "" ? <em class="bad">{[leg.unheard, leg.unreached].filter(Boolean).map((reason) => unheardWords(reason, t)).join(" · ")}</em> : <Voice quality={leg.quality} mos={worse(leg.mos, leg.sent_mos)} />}
          </li>
        );
      })}
    </ul>
  );
}

function HangUp({ call, onClose }: { call: CallView; onClose: () => void }): JSX.Element {
  const { t } = useSpeech();
  const names = useNames();
  const [busy, setBusy] = useState(false);
  const hangUp = async (): Promise<void> => {
    setBusy(true);
    try {
      await ask("POST", `calls/${encodeURIComponent(call.id)}/hangup`, {});
      say(t.calls.hungUp);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) say(t.calls.gone);
      else say(explain(error), true);
    }
    live.touch("calls");
    onClose();
  };
  return (
    <Dialog title={t.calls.confirmTitle} onClose={onClose}>
      <p>{t.calls.confirm(`${names.caller(call).main} – ${names.counterpart(call)}`)}</p>
      <div class="dialog-actions">
        <button type="button" class="button" onClick={onClose}>{t.common.cancel}</button>
        <button type="button" class="button danger-solid" disabled={busy} onClick={() => void hangUp()}><Icon name="hangup" />{t.calls.hangUp}</button>
      </div>
    </Dialog>
  );
}
