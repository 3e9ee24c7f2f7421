import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { get } from "../api/http";
import { useSpeech } from "../i18n";
import { Icon } from "../parts/icon";
import { LanguageSwitch } from "../parts/language-switch";
import { Mark } from "../parts/mark";
import { explain } from "../parts/toast";
import { secureAddress, type HttpsView } from "../secure";

const SYSTEMS = ["windows", "macos", "ios", "android", "firefox", "linux"] as const;

/** How to trust the box's certificate authority: open to all, as it is needed before the first log-in by HTTPS. */
export function CertificatePage(): JSX.Element {
  const { t } = useSpeech();
  const [https, setHttps] = useState<HttpsView | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  useEffect(() => {
    document.title = `${t.certificate.title} – ${t.product}`;
  }, [t]);
  useEffect(() => {
    get<HttpsView>("https").then(setHttps, setProblem);
  }, []);
  const secure = https && secureAddress(https.port, location);
  return (
    <main class="login certificate">
      <section class="login-card">
        <div class="login-brand"><Mark /><div><h1>{t.certificate.title}</h1><p>{t.product}</p></div></div>
        <p>{t.certificate.why}</p>
        {problem !== null && <p class="notice bad" role="alert">{explain(problem)}</p>}
        {https && !https.port && <p class="notice bad">{t.certificate.off}</p>}
        {https?.authority && (
          <>
            <p><a class="button primary wide" href="/ca.crt"><Icon name="download" />{t.certificate.download}</a></p>
            <div class="certificate-systems">
              {SYSTEMS.map((name) => <details key={name}><summary>{t.certificate[name].name}</summary><p>{t.certificate[name].steps}</p></details>)}
            </div>
          </>
        )}
        {secure && <p>{t.certificate.then} <a href={secure}>{secure}</a></p>}
        <p class="hint">{t.certificate.note}</p>
        <p><a href="/">{t.certificate.back}</a></p>
      </section>
      <LanguageSwitch />
    </main>
  );
}
