import type { JSX } from "preact";
import type { Language } from "../api/types";
import { useSpeech } from "../i18n";
import { prefer } from "../preferences";

const NAMES: Record<Language, string> = { ja: "日本語", en: "English" };

export function LanguageSwitch(): JSX.Element {
  const { t, manner } = useSpeech();
  return (
    <div class="segments" role="group" aria-label={t.system.language}>
      {(["ja", "en"] as const).map((language) => (
        <button key={language} type="button" lang={language} class="segment" aria-pressed={manner.language === language} onClick={() => prefer({ language })}>{NAMES[language]}</button>
      ))}
    </div>
  );
}
