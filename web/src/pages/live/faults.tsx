import type { JSX } from "preact";
import { hourMinute } from "../../format";
import { useSpeech } from "../../i18n";
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
            <p class="fault-text">{fault.text}</p>
            {fault.remedy && <p class="fault-remedy"><b>{t.faults.remedy}:</b> {fault.remedy}</p>}
          </div>
          <time class="fault-since">{t.faults.since(hourMinute(fault.since, manner))}</time>
        </article>
      ))}
    </section>
  );
}
