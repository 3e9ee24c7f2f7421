import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { get } from "../api/http";
import { inLanguage, useSpeech, type Speech } from "../i18n";
import { phoneNumber } from "../phone";
import { Icon } from "../parts/icon";
import { secureAddress, type HttpsView } from "../secure";
import { useStore } from "../store";
import { DevicesDialog } from "./devices";
import { dialled, type PhoneCall } from "./messages";
import { telephone, type PhoneState } from "./telephone";

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];

const who = (call: PhoneCall, { t, manner }: Speech): string => {
  const number = call.number && call.number !== "anonymous" ? phoneNumber(call.number, manner.country) : t.calls.anonymous;
  return call.name && call.name !== call.number ? `${call.name} · ${number}` : number;
};

/** The telephone in the browser, above every page of whoever has an extension. */
export function TelephoneBar(): JSX.Element | null {
  const speech = useSpeech();
  const state = useStore(telephone.state);
  useEffect(() => {
    telephone.look((call) => speech.t.telephone.callFrom(who(call, speech))).catch(() => undefined);
    return () => telephone.reset();
  }, []);
  const { place, on } = state;
  if (!place?.extension) return null;
  return (
    <section class={`telephone ${on ? "is-on" : ""} ${state.calls.length ? "has-calls" : ""}`} aria-label={speech.t.telephone.title}>
      <div class="telephone-line">
        <Status state={state} speech={speech} />
        {on ? <Dialler ready={state.linked && state.registered} /> : <TurnOn state={state} />}
      </div>
      <Trouble state={state} speech={speech} />
      {state.calls.map((call) => <Call key={call.call} call={call} muted={state.muted} linked={state.linked} audible={state.audio === "connected"} />)}
    </section>
  );
}

function Status({ state, speech: { t } }: { state: PhoneState; speech: Speech }): JSX.Element {
  const { place, on, linked, registered } = state;
  const word = !on ? t.telephone.off : !linked ? t.telephone.connecting : !registered ? t.telephone.registering : t.telephone.ready;
  const tone = !on ? "out" : linked && registered ? "free" : "warn";
  return (
    <div class="telephone-status" data-telephone={!on ? "off" : linked && registered ? "ready" : "connecting"} data-audio={state.audio}>
      <Icon name="phone" />
      <b>{t.telephone.extension(place?.extension ?? "")}</b>
      <span class={`pill tone-${tone}`} role="status"><i class="dot" aria-hidden="true" />{word}</span>
    </div>
  );
}

function TurnOn({ state }: { state: PhoneState }): JSX.Element {
  const { t, manner } = useSpeech();
  const [secure, setSecure] = useState("");
  useEffect(() => {
    if (!isSecureContext) get<HttpsView>("https").then(({ port }) => setSecure(secureAddress(port, location)), () => undefined);
  }, []);
  const { place } = state;
  if (place && !place.available) return <p class="telephone-hint">{inLanguage(place.why, manner.language)} {inLanguage(place.remedy, manner.language).replaceAll("`", "")}</p>;
  if (!isSecureContext) {
    return <p class="telephone-hint">{t.telephone.insecure} {secure && <a href={secure}>{secure}</a>} <a href="/certificate">{t.certificate.title}</a></p>;
  }
  return <button type="button" class="button primary small-button" onClick={() => void telephone.turnOn()}>{t.telephone.turnOn}</button>;
}

function Dialler({ ready }: { ready: boolean }): JSX.Element {
  const { t } = useSpeech();
  const [typed, setTyped] = useState("");
  const [choosing, setChoosing] = useState(false);
  const number = dialled(typed);
  const submit = (event: Event): void => {
    event.preventDefault();
    if (!number || !ready) return;
    telephone.dial(number);
    setTyped("");
  };
  return (
    <form class="telephone-dial" onSubmit={submit}>
      <input name="dial" type="tel" autocomplete="off" value={typed} onInput={(event) => setTyped(event.currentTarget.value)} placeholder={t.telephone.number} aria-label={t.telephone.number} aria-invalid={typed !== "" && !number} />
      <button class="button good small-button" disabled={!number || !ready}><Icon name="phone" />{t.telephone.dial}</button>
      <button type="button" class="button quiet square" aria-label={t.telephone.devices} title={t.telephone.devices} onClick={() => setChoosing(true)}><Icon name="headset" /></button>
      <button type="button" class="button small-button telephone-off" onClick={() => telephone.turnOff()}>{t.telephone.turnOff}</button>
      {choosing && <DevicesDialog onClose={() => setChoosing(false)} />}
    </form>
  );
}

function Trouble({ state, speech: { t } }: { state: PhoneState; speech: Speech }): JSX.Element | null {
  const { microphone, muffled, refused, failed, closed, on, audio, calls } = state;
  const talking = calls.some((call) => call.state === "talking");
  const words = [
    microphone && t.telephone.microphone[microphone],
    closed && t.telephone.closed[closed],
    failed && t.telephone.failed[failed],
    refused && t.telephone.refused[refused],
    muffled && calls.length > 0 && t.telephone.muffled,
    on && audio !== "connected" && talking && t.telephone.silent,
  ].find(Boolean);
  return words ? <p class="notice bad telephone-trouble" role="alert">{words}</p> : null;
}

interface CallProps {
  call: PhoneCall;
  muted: boolean;
  /** The box can be told what to do. */
  linked: boolean;
  audible: boolean;
}

function Call({ call, muted, linked, audible }: CallProps): JSX.Element {
  const speech = useSpeech();
  const { t } = speech;
  const [keys, setKeys] = useState(false);
  const rings = call.direction === "in" && call.state === "ringing";
  const up = call.state === "talking" || call.state === "held";
  const word = call.state === "talking" && call.held_by_other ? t.telephone.heldByOther : rings ? t.telephone.incoming : t.telephone.stage[call.state];
  return (
    <div class={`telephone-call is-${call.state}`} data-call-state={call.state} data-direction={call.direction} data-audible={audible}>
      <div class="telephone-who"><b>{who(call, speech)}</b><span class={`pill tone-${rings ? "ring" : call.state === "talking" ? "talk" : "hold"}`}><i class="dot" aria-hidden="true" />{word}</span>{up && <Timer since={call.since} />}</div>
      <div class="telephone-buttons">
        {rings && <button type="button" class="button good" disabled={!linked} onClick={() => telephone.answer(call.call)}><Icon name="phone" />{t.telephone.answer}</button>}
        {up && <button type="button" class="button" aria-pressed={muted} onClick={() => telephone.mute(!muted)}>{muted ? t.telephone.unmute : t.telephone.mute}</button>}
        {up && <button type="button" class="button" aria-pressed={call.state === "held"} disabled={!linked} onClick={() => telephone.hold(call.call, call.state !== "held")}>{call.state === "held" ? t.telephone.resume : t.telephone.hold}</button>}
        {(up || call.state === "early") && <button type="button" class="button" aria-expanded={keys} onClick={() => setKeys(!keys)}><Icon name="menu" />{t.telephone.keys}</button>}
        <button type="button" class="button danger-solid" onClick={() => telephone.hangUp(call.call)}><Icon name="hangup" />{rings ? t.telephone.refuse : t.telephone.hangUp}</button>
      </div>
      {keys && <div class="telephone-keys" role="group" aria-label={t.telephone.keys}>{KEYS.map((key) => <button key={key} type="button" class="button" disabled={!linked} onClick={() => telephone.key(call.call, key)}>{key}</button>)}</div>}
    </div>
  );
}

function Timer({ since }: { since: number }): JSX.Element {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.max(0, Math.floor((now - since) / 1000));
  return <span class="elapsed" role="timer">{Math.floor(seconds / 60)}:{String(seconds % 60).padStart(2, "0")}</span>;
}
