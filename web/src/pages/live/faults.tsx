import type { JSX } from "preact";
import { hourMinute } from "../../format";
import { inLanguage, useSpeech } from "../../i18n";
import { useLive } from "../../live";
import { Icon } from "../../parts/icon";

export function Faults(): JSX.Element | null {
  const { t, manner } = useSpeech();
  const faults = useLive((state) => state.faults);
  if (faults.length === 0) return null;
  return (
    <section class="faults" role="alert" aria-label={t.faults.title}>
      {faults.map((fault) => (
        <article key={fault.id} class="fault">
          <Icon name="warning" label={t.faults.title} />
          <div>
            <p class="fault-text">{inLanguage(fault.text, manner.language)}</p>
            {inLanguage(fault.remedy, manner.language) && <p class="fault-remedy"><b>{t.faults.remedy}:</b> {inLanguage(fault.remedy, manner.language)}</p>}
          </div>
          <time class="fault-since">{t.faults.since(hourMinute(fault.since, manner))}</time>
        </article>
      ))}
    </section>
  );
}
