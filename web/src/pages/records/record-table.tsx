import type { JSX } from "preact";
import type { CallRecord } from "../../api/types";
import { counter, day, dateField, timeOfDay, type Manner } from "../../format";
import { useSpeech, type Words } from "../../i18n";
import { useNames } from "../../live";
import { isServed } from "../../names";
import { serverClock } from "../../live/clock";
import { Icon } from "../../parts/icon";
import { KindIcon, Pill } from "../../parts/pieces";
import { Voice } from "../../parts/voice";
import { Link } from "../../router";

export function causeWord(cause: string, t: Words): string {
  return cause === "" ? t.records.inProgress : t.cause[cause] ?? cause;
}

export function causeTone(record: CallRecord): string {
  if (!record.ended) return "talk";
  if (record.answered) return "free";
  return record.cause === "abandoned" || record.cause === "restart" || record.cause === "internal-error" ? "bad" : "out";
}

const seconds = (value: number): string => (value >= 0.5 ? counter(Math.round(value)) : "–");

/** The day is said unless it is today. */
function dayIfOther(at: string, manner: Manner): string {
  const today = dateField(serverClock.now(), manner.timezone);
  return dateField(Date.parse(at), manner.timezone) === today ? "" : day(at, manner);
}

export function RecordTable({ records, search, selected }: { records: CallRecord[]; search: string; selected: string }): JSX.Element {
  const { t } = useSpeech();
  return (
    <div class="record-list" role="table" aria-label={t.records.title}>
      <div class="record head" role="row">
        {["", t.records.started, t.records.caller, t.records.called, t.records.queue, t.records.waited, t.records.talked, t.voice.title, t.records.result, ""].map((title, index) => <span key={index} role="columnheader">{title}</span>)}
      </div>
      {records.map((record) => <RecordRow key={record.id} record={record} search={search} selected={record.id === selected} />)}
    </div>
  );
}

function RecordRow({ record, search, selected }: { record: CallRecord; search: string; selected: boolean }): JSX.Element {
  const { t, manner } = useSpeech();
  const names = useNames();
  const caller = names.caller(record);
  const other = dayIfOther(record.started, manner);
  return (
    <div class={selected ? "record is-selected" : "record"} role="row" data-record={record.id}>
      <span role="cell" class="r-kind"><KindIcon kind={record.kind} /></span>
      <span role="cell" class="r-when">{other && <small>{other}</small>}<time dateTime={record.started}>{timeOfDay(record.started, manner)}</time></span>
      <span role="cell" class="r-from"><Link to={`/records/${encodeURIComponent(record.id)}${search}`} class="record-link" aria-label={`${t.records.open}: ${caller.main}`}>{caller.main}</Link>{caller.sub && <small>{caller.sub}</small>}</span>
      <span role="cell" class="r-to"><b>{isServed(record) ? names.agent(record.agent) : names.party(record.to)}</b>{record.agent && <small>{isServed(record) ? names.party(record.to) : names.agent(record.agent)}</small>}</span>
      <span role="cell" class="r-queue">{record.queue && <span class="tag">{names.queue(record.queue)}</span>}</span>
      <span role="cell" class="r-wait" data-label={t.records.waited}>{seconds(record.wait_seconds)}</span>
      <span role="cell" class="r-talk" data-label={t.records.talked}>{seconds(record.talk_seconds)}</span>
      <span role="cell" class="r-voice" data-label={t.voice.title}><Voice quality={record.quality} mos={record.mos} /></span>
      <span role="cell" class="r-cause"><Pill tone={causeTone(record)}>{causeWord(record.cause, t)}</Pill>{record.talk_seconds >= 0.5 && <small class="only-narrow">{t.records.talked} {seconds(record.talk_seconds)}</small>}</span>
      <span role="cell" class="r-rec">{record.recording && <span class="has-recording" title={t.records.play}><Icon name="play" label={t.records.recording} /></span>}</span>
    </div>
  );
}
