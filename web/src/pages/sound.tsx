import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call as ask, get } from "../api/http";
import type { DeviceView, SoundDevices, SoundView } from "../api/types";
import { inLanguage, useSpeech } from "../i18n";
import { live, useNames } from "../live";
import { Card, Pill } from "../parts/pieces";
import { explain, say } from "../parts/toast";
import { session } from "../session";
import { useStore } from "../store";

const AGAIN = 3_000;

type Change = Partial<{ output: string; input: string; volume: number; music: string }>;

/** Loudspeaker, line-in and music. What is shown is asked for again and again: a card comes and goes by itself. */
export function Sound(): JSX.Element | null {
  const { t } = useSpeech();
  const [sound, setSound] = useState<SoundView | null>(null);
  const [devices, setDevices] = useState<SoundDevices | null>(null);
  const [busy, setBusy] = useState(false);
  const admin = useStore(session).user?.role === "admin";

  useEffect(() => {
    let gone = false;
    const look = (): void => void get<SoundView>("sound").then((found) => { if (!gone) setSound(found); }, () => undefined);
    look();
    void get<SoundDevices>("sound/devices").then((found) => { if (!gone) setDevices(found); }, () => { if (!gone) setDevices({ outputs: [], inputs: [] }); });
    const timer = setInterval(look, AGAIN);
    return () => {
      gone = true;
      clearInterval(timer);
    };
  }, []);
  if (!sound) return null;

  const attempt = async (act: () => Promise<unknown>, done = ""): Promise<void> => {
    setBusy(true);
    try {
      await act();
      setSound(await get<SoundView>("sound"));
      if (done) say(done);
    } catch (error) {
      say(explain(error), true);
    }
    setBusy(false);
  };
  const change = (wanted: Change): void => void attempt(() => ask("PUT", "sound", wanted), t.sound.saved);
  const stop = (): void => void attempt(async () => {
    await ask("DELETE", "sound/listening");
    live.touch("calls");
  });

  return (
    <Card title={t.sound.title} class="sound">
      <dl class="settings">
        <Device label={t.sound.output} names={devices?.outputs} view={sound.output} fixed={!admin || busy} choose={(output) => change({ output })} />
        <Setting label={t.sound.volume}>
          <input type="range" min="0" max="100" step="5" value={sound.volume} disabled={busy} aria-label={t.sound.volume} onChange={(event) => change({ volume: Number(event.currentTarget.value) })} />
          <span>{sound.volume} %</span>
          <button type="button" class="button small-button" disabled={busy || !sound.output.device} onClick={() => void attempt(() => ask("POST", "sound/test"))}>{t.sound.test}</button>
        </Setting>
        <Setting label={t.sound.now}><Doing sound={sound} stop={stop} /></Setting>
        <Device label={t.sound.input} names={devices?.inputs} view={sound.input} fixed={!admin || busy} choose={(input) => change({ input })} />
        <Setting label={t.sound.music}>
          <div class="segments" role="group" aria-label={t.sound.music}>
            {(["built-in", "line-in"] as const).map((music) => (
              <button key={music} type="button" class="segment" disabled={!admin || busy} aria-pressed={sound.music === music} onClick={() => change({ music })}>{music === "line-in" ? t.sound.lineIn : t.sound.builtIn}</button>
            ))}
          </div>
          {sound.music !== sound.music_now && <small class="remedy">{t.sound.fallback}</small>}
        </Setting>
      </dl>
      <div class="card-body"><p class="hint">{admin ? t.sound.codes : t.sound.adminOnly}</p></div>
    </Card>
  );
}

function Setting({ label, children }: { label: string; children: ComponentChildren }): JSX.Element {
  return <div class="setting"><dt>{label}</dt><dd>{children}</dd></div>;
}

interface DeviceProps {
  label: string;
  /** Undefined: still being looked for. */
  names: string[] | undefined;
  view: DeviceView;
  fixed: boolean;
  choose: (name: string) => void;
}

function Device({ label, names, view, fixed, choose }: DeviceProps): JSX.Element {
  const { t, manner } = useSpeech();
  const words = [["auto", t.sound.auto], ["off", t.sound.off]] as const;
  // A device that is away now stays chosen.
  const known = [...new Set([...(names ?? []), view.wanted])].filter((name) => name !== "auto" && name !== "off");
  const why = inLanguage(view.why, manner.language);
  const remedy = inLanguage(view.remedy, manner.language);
  return (
    <Setting label={label}>
      <select aria-label={label} disabled={fixed} onChange={(event) => choose(event.currentTarget.value)}>
        {[...words, ...known.map((name) => [name, name] as const)].map(([value, word]) => <option key={value} value={value} selected={value === view.wanted}>{word}</option>)}
      </select>
      {view.device && <small>{t.sound.inUse(view.device)}</small>}
      {!names && <small>{t.sound.looking}</small>}
      {why && <small class="remedy">{why} {remedy.split("`").map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part))}</small>}
    </Setting>
  );
}

function Doing({ sound, stop }: { sound: SoundView; stop: () => void }): JSX.Element {
  const { t } = useSpeech();
  const names = useNames();
  if (sound.paging) return <Pill tone="talk">{t.sound.paging(names.extension(sound.paging))}</Pill>;
  return (
    <>
      {sound.listening && (
        <>
          <Pill tone="hold">{t.sound.listening(sound.listening_by.replace(/^\w+:/, ""))}</Pill>
          <button type="button" class="button small-button" onClick={stop}>{t.sound.stop}</button>
        </>
      )}
      {sound.ringing && <Pill tone="warn">{t.sound.ringing}</Pill>}
      {!sound.listening && !sound.ringing && <span>{t.sound.quiet}</span>}
    </>
  );
}
