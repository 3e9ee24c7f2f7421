import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useSpeech } from "../../i18n";
import { useLive } from "../../live";
import { serverClock } from "../../live/clock";
import { Icon } from "../../parts/icon";
import { daysOf, isSearching, PERIODS, typed, type RecordSearch } from "./query";

interface FiltersProps {
  search: RecordSearch;
  change: (search: RecordSearch) => void;
  clear: () => void;
}

/** Milliseconds without a key after which a typed word is searched for. */
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
        <WordField value={search.number || search.text} change={(words) => set(typed(words))} />
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

function WordField({ value, change }: { value: string; change: (value: string) => void }): JSX.Element {
  const { t } = useSpeech();
  const [words, setWords] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => setWords(value), [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  // What is typed is added to the search as it is by then.
  const latest = useRef(change);
  latest.current = change;
  const type = (text: string): void => {
    setWords(text);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => latest.current(text), TYPING);
  };
  return (
    <span class="number-field">
      <Icon name="search" />
      <input type="search" value={words} placeholder={t.records.numberHint} aria-label={t.records.numberHint} onInput={(event) => type(event.currentTarget.value)} />
    </span>
  );
}
