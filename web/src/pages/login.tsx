import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "../api/http";
import { duration, timeOfDay } from "../format";
import { useSpeech, type Speech } from "../i18n";
import { serverClock } from "../live/clock";
import { Icon } from "../parts/icon";
import { LanguageSwitch } from "../parts/language-switch";
import { Mark } from "../parts/mark";
import { explain } from "../parts/toast";
import { logIn, session } from "../session";
import { useStore } from "../store";

function refusal(error: unknown, { t, manner }: Speech): string {
  if (error instanceof ApiError && error.status === 401) return t.login.wrong;
  if (error instanceof ApiError && error.status === 429) {
    const wait = Math.max(1, error.retryAfter);
    return t.login.throttled(timeOfDay(serverClock.now() + wait * 1000, manner), duration(wait, manner.language));
  }
  return explain(error);
}

export function LoginPage(): JSX.Element {
  const speech = useSpeech();
  const { t } = speech;
  const { ended } = useStore(session);
  const [problem, setProblem] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const [shown, setShown] = useState(false);
  const password = useRef<HTMLInputElement>(null);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    document.title = `${t.login.title} – ${t.product}`;
  }, [t]);

  const show = (visible: boolean): void => {
    setShown(visible);
    if (password.current) password.current.type = visible ? "text" : "password";
  };

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const fields = new FormData(form.current ?? undefined);
    const name = String(fields.get("name") ?? "").trim();
    const secret = String(fields.get("password") ?? "");
    if (!name || !secret) return setProblem("empty");
    setBusy(true);
    setProblem(null);
    try {
      await logIn(name, secret);
    } catch (error) {
      setProblem(error);
      password.current?.select();
    } finally {
      setBusy(false);
    }
  };

  const text = problem === null ? "" : problem === "empty" ? t.login.empty : refusal(problem, speech);
  return (
    <main class="login">
      <form class="login-card" ref={form} onSubmit={(event) => void submit(event)} noValidate>
        <div class="login-brand"><Mark /><div><h1>{t.product}</h1><p>{t.tagline}</p></div></div>
        {ended && problem === null && <p class="notice">{t.login.ended}</p>}
        {text && <p class="notice bad" role="alert">{text}</p>}
        <label class="field"><span>{t.login.name}</span>
          <input name="name" autocomplete="username" autocapitalize="none" spellcheck={false} autofocus required aria-invalid={text !== ""} />
        </label>
        <label class="field"><span>{t.login.password}</span>
          <span class="with-button">
            <input ref={password} name="password" type="password" autocomplete="current-password" required aria-invalid={text !== ""} />
            <button type="button" class="button quiet square" aria-pressed={shown} aria-label={shown ? t.login.hide : t.login.show} onClick={() => show(!shown)}><Icon name="eye" /></button>
          </span>
        </label>
        <button class="button primary wide" disabled={busy}>{busy ? t.login.busy : t.login.submit}</button>
        <p class="hint">{t.login.help} {location.protocol === "http:" && <a href="/certificate">{t.certificate.title}</a>}</p>
      </form>
      <LanguageSwitch />
    </main>
  );
}
