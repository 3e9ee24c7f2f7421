import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { PauseView, PeaksView, RecordingRef, RecordingView } from "../../api/types";
import { apiPath, get } from "../../api/http";
import { counter, duration } from "../../format";
import { useSpeech } from "../../i18n";
import { Icon } from "../../parts/icon";
import { Channels, type Listen } from "./channels";

const SPEEDS = [0.75, 1, 1.25, 1.5, 2];
const SIDES: readonly Listen[] = ["both", "outside", "ours"];

/** Who is heard on the left and on the right. */
export interface Sides {
  left: string;
  right: string;
}

/** Plays a recording with its waveform. The waveform's code is fetched when the first player is shown. */
export function Player({ recording, sides }: { recording: RecordingRef; sides: Sides }): JSX.Element {
  const { t } = useSpeech();
  const titles: Record<Listen, string> = { both: t.player.both, outside: sides.left, ours: sides.right };
  const url = apiPath(`recordings/${encodeURIComponent(recording.id)}/audio`);
  const media = useRef<HTMLAudioElement>(null);
  const channels = useRef<Channels | null>(null);
  const [playing, setPlaying] = useState(false);
  const [at, setAt] = useState(0);
  const [length, setLength] = useState(recording.seconds);
  const [speed, setSpeed] = useState(1);
  const [side, setSide] = useState<Listen>("both");
  const [failed, setFailed] = useState(false);
  const [growing, setGrowing] = useState(false);
  const wave = useWaveform(recording, media, (peaks) => {
    setGrowing(!peaks.complete);
    if (peaks.seconds > 0) setLength(peaks.seconds);
  });
  useEffect(() => () => channels.current?.close(), []);

  const audio = (): HTMLAudioElement | null => media.current;
  const toggle = (): void => {
    const element = audio();
    if (!element) return;
    channels.current?.resume();
    if (element.paused) element.play().catch(() => setFailed(true));
    else element.pause();
  };
  const move = (seconds: number): void => {
    const element = audio();
    if (element) element.currentTime = Math.min(Math.max(0, element.currentTime + seconds), length);
  };
  const listen = (wanted: Listen): void => {
    const element = audio();
    if (!element) return;
    // Made only when it is asked for: without it the browser plays the file by itself.
    channels.current ??= new Channels(element);
    channels.current.listen(wanted);
    channels.current.resume();
    setSide(wanted);
  };
  const hasten = (wanted: number): void => {
    const element = audio();
    if (element) element.playbackRate = wanted;
    setSpeed(wanted);
  };
  const measured = (): void => {
    const seconds = audio()?.duration ?? NaN;
    if (Number.isFinite(seconds) && seconds > 0) setLength(seconds);
  };

  return (
    <section class="player" aria-label={t.player.title}>
      <audio
        ref={media} src={url} preload="metadata" onPlay={() => setPlaying(true)} onPause={() => setPlaying(false)} onError={() => setFailed(true)}
        onTimeUpdate={() => setAt(audio()?.currentTime ?? 0)} onLoadedMetadata={measured} onDurationChange={measured}
      />
      <div class="wave-frame">
        <div class="wave-labels" aria-hidden="true"><span class="wave-outside">{sides.left}</span><span class="wave-ours">{sides.right}</span></div>
        <div class="wave" ref={wave} />
      </div>
      <input
        class="hidden" type="range" min={0} max={Math.max(1, Math.round(length))} value={Math.round(at)} aria-label={t.player.position} aria-valuetext={`${counter(at)} / ${counter(length)}`}
        onInput={(event) => { const element = audio(); if (element) element.currentTime = Number(event.currentTarget.value); }}
      />
      {failed && <p class="notice bad" role="alert">{t.player.failed}</p>}
      {growing && <p class="hint">{t.player.growing}</p>}
      <div class="player-bar">
        <button type="button" class="button quiet square" onClick={() => move(-10)} aria-label={t.player.back10} title={t.player.back10}><Icon name="back10" /></button>
        <button type="button" class="button primary play" onClick={toggle} aria-label={playing ? t.player.pause : t.player.play}><Icon name={playing ? "pause" : "play"} /></button>
        <button type="button" class="button quiet square" onClick={() => move(10)} aria-label={t.player.forward10} title={t.player.forward10}><Icon name="forward10" /></button>
        <span class="player-time">{counter(at)} <small>/ {counter(length)}</small></span>
        <label class="player-speed"><span class="hidden">{t.player.speed}</span>
          <select value={speed} onChange={(event) => hasten(Number(event.currentTarget.value))} title={t.player.speed}>{SPEEDS.map((each) => <option key={each} value={each}>{each}×</option>)}</select>
        </label>
        <a class="button" href={url} download><Icon name="download" />{t.player.download}</a>
      </div>
      <Pauses id={recording.id} />
      <div class="segments sides" role="group" aria-label={t.player.listen}>
        {SIDES.map((each) => <button key={each} type="button" class="segment" aria-pressed={side === each} onClick={() => listen(each)}>{titles[each]}</button>)}
      </div>
    </section>
  );
}

/** Where the recording stood still, and who had it so. */
function Pauses({ id }: { id: string }): JSX.Element | null {
  const { t, manner } = useSpeech();
  const [pauses, setPauses] = useState<PauseView[]>([]);
  useEffect(() => {
    let wanted = true;
    get<RecordingView>(`recordings/${encodeURIComponent(id)}`).then((found) => wanted && setPauses(found.pauses), () => undefined);
    return () => {
      wanted = false;
    };
  }, [id]);
  if (pauses.length === 0) return null;
  return (
    <ul class="pauses" aria-label={t.player.pauses}>
      {pauses.map((each, index) => (
        <li key={index}><b>{counter(each.offset)}</b> {t.player.how[each.how]} <span>{[each.seconds >= 0.5 ? duration(each.seconds, manner.language) : "", each.by.replace(/^\w+:/, "")].filter(Boolean).join(" · ")}</span></li>
      ))}
    </ul>
  );
}

/** Fetches the peaks and the code that draws them; without peaks the player plays all the same. */
function useWaveform(recording: RecordingRef, media: { current: HTMLAudioElement | null }, learned: (peaks: PeaksView) => void): { current: HTMLDivElement | null } {
  const container = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let wanted = true;
    let end = (): void => undefined;
    const points = Math.min(1200, Math.max(100, Math.round((container.current?.clientWidth ?? 400) / 2)));
    const peaks = get<PeaksView>(`recordings/${encodeURIComponent(recording.id)}/peaks`, { points });
    Promise.all([peaks, import("./waveform")]).then(([found, { drawWaveform }]) => {
      if (!wanted || !container.current || !media.current) return;
      learned(found);
      end = drawWaveform(container.current, media.current, found.peaks, found.seconds || recording.seconds);
    }, () => undefined);
    return () => {
      wanted = false;
      end();
    };
  }, [recording.id]);
  return container;
}
