import type { Language } from "./api/types";
import { Store } from "./store";

/** What this browser's person chose; empty means the default. */
export interface Preferences {
  language: Language | "";
  theme: "light" | "dark" | "";
  contrast: "more" | "";
}

const KEY = "hako.preferences";

/** Reads stored text; anything odd in it counts as not chosen. */
export function parsePreferences(text: string | null): Preferences {
  let stored: Record<string, unknown> = {};
  try {
    const parsed: unknown = JSON.parse(text ?? "{}");
    if (typeof parsed === "object" && parsed !== null) stored = parsed as Record<string, unknown>;
  } catch {
    // Damaged storage is no reason to show nothing.
  }
  const { language, theme, contrast } = stored;
  return {
    language: language === "ja" || language === "en" ? language : "",
    theme: theme === "light" || theme === "dark" ? theme : "",
    contrast: contrast === "more" ? "more" : "",
  };
}

/** The person's choice here, else the user's on the box, else the browser's, else the site's. */
export function chooseLanguage(chosen: string, ofUser: string, ofBrowser: readonly string[], ofSite: string): Language {
  for (const wanted of [chosen, ofUser, ...ofBrowser, ofSite]) {
    const short = wanted.slice(0, 2).toLowerCase();
    if (short === "ja" || short === "en") return short;
  }
  return "en";
}

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

export const preferences = new Store<Preferences>(parsePreferences(stored()));

export function prefer(change: Partial<Preferences>): void {
  preferences.update((now) => ({ ...now, ...change }));
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences.value));
  } catch {
    // A private window may refuse to store; the choice holds until it is closed.
  }
}

export function applyAppearance({ theme, contrast }: Preferences): void {
  const { dataset } = document.documentElement;
  if (theme) dataset["theme"] = theme;
  else delete dataset["theme"];
  if (contrast) dataset["contrast"] = contrast;
  else delete dataset["contrast"];
}
