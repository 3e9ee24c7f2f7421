import type { ByLanguage, Language } from "../api/types";
import type { Manner } from "../format";
import { Store, useStore } from "../store";
import { en, type Words } from "./en";
import { ja } from "./ja";

export type { Words } from "./en";

export const WORDS: Record<Language, Words> = { en, ja };

/** What the box says by language, in one of them. */
export const inLanguage = (text: ByLanguage, language: Language): string => text[language] || text.en || Object.values(text)[0] || "";

/** The language of the person and the ways of the site. */
export const manner = new Store<Manner>({ language: "en", timezone: Intl.DateTimeFormat().resolvedOptions().timeZone, country: "JP" });

export interface Speech {
  t: Words;
  manner: Manner;
}

export function speech(): Speech {
  return { t: WORDS[manner.value.language], manner: manner.value };
}

/** The words and the manner; the component is drawn again when the person chooses another language. */
export function useSpeech(): Speech {
  const chosen = useStore(manner);
  return { t: WORDS[chosen.language], manner: chosen };
}
