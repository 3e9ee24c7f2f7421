import type { JSX } from "preact";
import type { LampView, Language } from "../../api/types";
import { inLanguage, useSpeech, type Words } from "../../i18n";
import { useLive } from "../../live";

const isAgent = (lamp: LampView): boolean => /^agent\d+$/.test(lamp.id);

/** What a person should be told of without looking for it. Agents have their own list; recording is no cause for alarm. */
export function isNotable(lamp: LampView): boolean {
  const shines = lamp.mode !== "off" && lamp.color !== "off";
  return shines && !isAgent(lamp) && lamp.id !== "recording" && (lamp.color !== "green" || lamp.mode !== "on");
}

/** "Trunk: all ready"; the label is not said twice. */
function saying(lamp: LampView, language: Language, t: Words): string {
  const label = inLanguage(lamp.label, language);
  const meaning = inLanguage(lamp.meaning, language);
  return meaning.startsWith(label) ? meaning : t.panel.lamp(label, meaning);
}

function look(lamp: LampView, t: Words): string {
  const dark = lamp.mode === "off" || lamp.color === "off";
  return dark ? t.lampColor.off : `${t.lampColor[lamp.color]}, ${t.lampMode[lamp.mode]}`;
}

/** The front of the box as it stands on the shelf. */
export function FrontPanel(): JSX.Element | null {
  const { t, manner } = useSpeech();
  const lamps = useLive((state) => state.panel);
  const told = useLive((state) => state.faults.length > 0);
  if (lamps.length === 0) return null;
  const language = manner.language;
  // Faults that stand above with their remedy need not be said twice.
  const notable = lamps.filter((lamp) => isNotable(lamp) && !(told && lamp.id === "fault"));
  return (
    <section class="device" aria-label={t.panel.title}>
      <div class="device-front">
        <span class="device-name" aria-hidden="true">Hako<small>箱</small></span>
        <div class="lamps" role="group">
          {lamps.map((lamp) => {
            const label = inLanguage(lamp.label, language);
            const meaning = inLanguage(lamp.meaning, language);
            return (
              <span key={lamp.id} role="img" class={isAgent(lamp) ? "lamp is-agent" : "lamp"} tabIndex={0} data-lamp={lamp.id} data-color={lamp.color} data-mode={lamp.mode} aria-label={`${saying(lamp, language, t)} (${look(lamp, t)})`}>
                <i class={`led led-${lamp.mode === "off" ? "off" : lamp.color} blink-${lamp.mode}`} />
                <span class="lamp-label">{label}</span>
                <span class="lamp-tip">{meaning}<small>{look(lamp, t)}</small></span>
              </span>
            );
          })}
        </div>
      </div>
      <p class="device-says">
        {notable.length === 0 ? !told && t.panel.allWell : notable.map((lamp) => (
          <span key={lamp.id}><i class={`led small led-${lamp.color}`} aria-hidden="true" />{saying(lamp, language, t)}</span>
        ))}
      </p>
    </section>
  );
}
