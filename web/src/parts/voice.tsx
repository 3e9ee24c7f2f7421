import type { JSX } from "preact";
import type { Quality } from "../api/types";
import { useSpeech, type Words } from "../i18n";
import { Pill } from "./pieces";

const TONES: Record<Quality, string> = { good: "free", fair: "warn", bad: "bad" };

/** How a voice sounds: a word, and the mean opinion score that it stands for. */
export function Voice({ quality, mos }: { quality: Quality | ""; mos: number | null }): JSX.Element | null {
  const { t } = useSpeech();
  if (quality === "" || mos === null) return null;
  return <span class="voice" title={t.voice.scale}><Pill tone={TONES[quality]}>{t.voice[quality]} <span class="voice-mos">{mos.toFixed(1)}</span></Pill></span>;
}

/** The word for one direction, by the same bounds as the box's own. */
export function qualityOf(mos: number | null): Quality | "" {
  return mos === null ? "" : mos >= 4 ? "good" : mos >= 3.6 ? "fair" : "bad";
}

/** Why somebody who is connected is not heard. */
export function unheardWords(reason: string, t: Words): string {
  return t.voice.unheard[reason] ?? t.voice.unheard["no-packets"] ?? reason;
}

/** The worse of two scores; null: none is known. */
export function worse(one: number | null, other: number | null): number | null {
  return one === null ? other : other === null ? one : Math.min(one, other);
}
