import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useSpeech } from "../../i18n";
import { useLive } from "../../live";
import { serverClock } from "../../live/clock";
import { Icon } from "../../parts/icon";
import { daysOf, isSearching, PERIODS, type RecordSearch } from "./query";

interface FiltersProps {
  search: RecordSearch;
  change: (search: RecordSearch) => void;
  clear: () => void;
}

/** Milliseconds without a key after which a typed number is searched for. */
const TYPING = 350;

export function RecordFilters({ search, change, clear }: FiltersProps): JSX.Element {
  const { t, manner } = useSpeech();
  const agents = useLive((state) => state.agents);
  const queues = useLive((state) => state.queues);
  const [open, setOpen] = useState(false);
  const set = (part: Partial<RecordSearch>): void => change({ ...search, ...part });
  const pick = (name: "agent" | "queue" | "kind") => (event: Event): void => set({ [name]: (event.currentTarget as HTMLSelectElement).value });
  const kinds = ["inbound", "outbound", "internal"] as const;
  return (
    <section class={open ? "card filters is-open" : "card filters"} aria-label={t.records.filters}>
      <div class="filter-row">
        <div class="segments periods" role="group" aria-label={`${t.records.from} – ${t.records.to}`}>
          {PERIODS.map((period) => {
            const days = daysOf(period, serverClock.now(), manner.timezone);
            return <button key={period} type="button" class="segment" aria-pressed={search.from === days.from && search.to === days.to} onClick={() => set(days)}>{t.records[period]}</button>;
          })}
        </div>
        <NumberField value={search.number} change={(number) => set({ number })} />
        <button type="button" class="button open-filters" aria-expanded={open} onClick={() => setOpen(!open)}><Icon name="search" />{t.records.filters}</button>
      </div>
      <div class="filter-row fields">
        <Field label={t.records.from}><input type="date" value={search.from} max={search.to} onChange={(event) => set({ from: event.currentTarget.value })} /></Field>
        <Field label={t.records.to}><input type="date" value={search.to} min={search.from} onChange={(event) => set({ to: event.currentTarget.value })} /></Field>
        <Field label={t.records.agent}>
          <select value={search.agent} onChange={pick("agent")}>
            <option value="">{t.common.all}</option>
            {agents.map((agent) => <option key={agent.id} value={agent.id}>{agent.name || agent.id}</option>)}
          </select>
        </Field>
        <Field label={t.records.queue}>
          <select value={search.queue} onChange={pick("queue")}>
            <option value="">{t.common.all}</option>
            {queues.map((queue) => <option key={queue.id} value={queue.id}>{queue.name || queue.id}</option>)}
          </select>
        </Field>
        <Field label={t.records.kind}>
          <select value={search.kind} onChange={pick("kind")}>
            <option value="">{t.common.all}</option>
            {kinds.map((kind) => <option key={kind} value={kind}>{t.kind[kind]}</option>)}
          </select>
        </Field>
        <label class="check"><input type="checkbox" checked={search.service === "true"} onChange={(event) => set({ service: event.currentTarget.checked ? "true" : "" })} />{t.records.service}</label>
        {isSearching(search) && <button type="button" class="button quiet" onClick={clear}><Icon name="close" />{t.common.clear}</button>}
      </div>
      {search.from && search.to && search.from > search.to && <p class="notice bad">{t.records.badRange}</p>}
    </section>
  );
}

function Field({ label, children }: { label: string; children: ComponentChildren }): JSX.Element {
  return <label class="field"><span>{label}</span>{children}</label>;
}

function NumberField({ value, change }: { value: string; change: (value: string) => void }): JSX.Element {
  const { t } = useSpeech();
  const [typed, setTyped] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => setTyped(value), [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const type = (text: string): void => {
    setTyped(text);
    clearTimeout(timer.current);
    // Only what can be part of a number is worth asking the box for.
    timer.current = setTimeout(() => change(/[\d*#+]/.test(text) ? text.trim() : ""), TYPING);
  };
  return (
    <span class="number-field">
      <Icon name="search" />
      <input type="search" inputMode="tel" value={typed} placeholder={`${t.records.number} (${t.records.numberHint})`} aria-label={t.records.number} onInput={(event) => type(event.currentTarget.value)} />
    </span>
  );
}
