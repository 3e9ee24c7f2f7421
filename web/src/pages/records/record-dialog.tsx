import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { CallRecord, LegVoice, RecordDetail } from "../../api/types";
import { get } from "../../api/http";
import { day, duration, fullDay, timeOfDay } from "../../format";
import { useSpeech } from "../../i18n";
import { useNames } from "../../live";
import { isServed } from "../../names";
import { Dialog } from "../../parts/dialog";
import { KindIcon, Pill } from "../../parts/pieces";
import { qualityOf, unheardWords, Voice } from "../../parts/voice";
import { explain } from "../../parts/toast";
import { deletionOf, encryptionOf, storyOf } from "./moments";
import { Player } from "./player";
import { causeTone, causeWord } from "./record-table";

/** One call: its figures, its recording, its story. `known` is what the list has of it already. */
export function RecordDialog({ id, known, onClose }: { id: string; known: CallRecord | undefined; onClose: () => void }): JSX.Element {
  const { t } = useSpeech();
  const [record, setRecord] = useState<RecordDetail | undefined>(known);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    let wanted = true;
    get<RecordDetail>(`records/${encodeURIComponent(id)}`).then((found) => wanted && setRecord(found), (error: unknown) => wanted && setProblem(explain(error)));
    return () => {
      wanted = false;
    };
  }, [id]);
  return (
    <Dialog title={t.detail.title} onClose={onClose} side>
      {problem && <p class="notice bad" role="alert">{problem}</p>}
      {!record && !problem && <p class="muted">{t.common.loading}</p>}
      {record && <Detail record={record} />}
    </Dialog>
  );
}

function Detail({ record }: { record: RecordDetail }): JSX.Element {
  const { t, manner } = useSpeech();
  const names = useNames();
  const caller = names.caller(record);
  // Inside the house nobody is outside: both sides have names.
  const inside = record.kind === "internal";
  const sides = inside ? { left: caller.main, right: names.party(record.to) } : { left: t.player.outside, right: t.player.ours };
  const encrypted = encryptionOf(record.moments, t, names);
  const deleted = deletionOf(record.moments);
  // What happens to a recording afterwards may be years later.
  const sameDay = (at: string): boolean => fullDay(at, manner) === fullDay(record.started, manner);
  const time = (at: string | null): string => (at ? timeOfDay(at, manner) : "–");
  const long = (seconds: number): string => (seconds >= 0.5 ? duration(seconds, manner.language) : "–");
  return (
    <div class="detail">
      <div class="detail-head">
        <KindIcon kind={record.kind} />
        <div>
          <p class="detail-parties"><b>{caller.main}</b> → <b>{isServed(record) ? names.agent(record.agent) : names.party(record.to)}</b></p>
          <p class="muted">{fullDay(record.started, manner)} {time(record.started)}</p>
        </div>
        <Pill tone={causeTone(record)}>{causeWord(record.cause, t)}</Pill>
      </div>
      {record.recording ? <Player recording={record.recording} sides={sides} /> : <p class="notice plain">{deleted ? t.player.deleted(fullDay(deleted.at, manner), deleted.days) : t.player.none}</p>}
      <dl class="facts">
        <Fact label={t.records.waited}>{long(record.wait_seconds)}</Fact>
        <Fact label={t.records.talked}>{long(record.talk_seconds)}</Fact>
        <Fact label={t.records.held}>{long(record.hold_seconds)}</Fact>
        <Fact label={t.records.ended}>{time(record.ended)}</Fact>
        {record.queue && <Fact label={t.records.queue}>{names.queue(record.queue)}</Fact>}
        {record.agent && <Fact label={t.records.agent}>{names.agent(record.agent)}</Fact>}
        {caller.sub && <Fact label={t.records.caller}>{caller.sub}</Fact>}
        <Fact label={t.records.called}>{names.party(record.to)}</Fact>
        {record.answered_by && <Fact label={t.records.answered}>{t.answeredBy[record.answered_by]}</Fact>}
        {record.fax && <Fact label={t.records.heard}>{t.fax}</Fact>}
        {record.trunk && <Fact label={t.records.trunk}>{record.trunk}</Fact>}
        {encrypted && <Fact label={t.records.encryption}>{encrypted}</Fact>}
      </dl>
      {record.voice && record.voice.some((leg) => leg.mos !== null || leg.sent_mos !== null || leg.unheard + leg.unreached !== "") && (
        <section>
          <h3>{t.voice.title}</h3>
          <ul class="voices">{record.voice.map((leg) => <LegLine key={leg.leg} leg={leg} />)}</ul>
        </section>
      )}
      <section>
        <h3>{t.detail.moments}</h3>
        <ol class="story">
          {storyOf(record, record.moments, t, names, manner).map((line, index) => (
            <li key={index} class={`story-${line.tone}`}><time>{!sameDay(line.at) && <small>{day(line.at, manner)}</small>}{timeOfDay(line.at, manner)}</time><span>{line.text}</span></li>
          ))}
        </ol>
      </section>
      <p class="hint">{t.records.id}: <code>{record.id}</code></p>
    </div>
  );
}

/** One party: what came from it, what it got. */
function LegLine({ leg }: { leg: LegVoice }): JSX.Element | null {
  const { t } = useSpeech();
  const names = useNames();
  if (leg.mos === null && leg.sent_mos === null && leg.unheard + leg.unreached === "") return null;
  const who = (leg.agent && names.agent(leg.agent)) || (leg.extension && names.extension(leg.extension)) || names.number(leg.number);
  const share = (part: number): string => t.calls.lost(`${(100 * part).toFixed(1)}%`);
  const least = (mos: number | null): string => (mos === null ? "" : t.voice.worst(mos.toFixed(1)));
  const trip = leg.round_trip_ms === null ? "" : t.voice.roundTrip(Math.round(leg.round_trip_ms));
  const from = [share(leg.loss), t.calls.jitter(Math.round(leg.jitter_ms)), least(leg.mos_min)];
  const to = [share(leg.sent_loss), trip, least(leg.sent_mos_min)];
  return (
    <li>
      <b>{who}</b><small>{[leg.trunk, leg.codec].filter(Boolean).join(" · ")}</small>
      {leg.unheard !== "" && <p class="notice bad">{unheardWords(leg.unheard, t)}</p>}
      {leg.unreached !== "" && <p class="notice bad">{unheardWords(leg.unreached, t)}</p>}
      {leg.mos !== null && <p><span class="voice-way">{t.voice.from}</span><Voice quality={qualityOf(leg.mos)} mos={leg.mos} /><small>{from.filter(Boolean).join(" · ")}</small></p>}
      {leg.sent_mos !== null && <p><span class="voice-way">{t.voice.to}</span><Voice quality={qualityOf(leg.sent_mos)} mos={leg.sent_mos} /><small>{to.filter(Boolean).join(" · ")}</small></p>}
    </li>
  );
}

function Fact({ label, children }: { label: string; children: ComponentChildren }): JSX.Element {
  return <div><dt>{label}</dt><dd>{children}</dd></div>;
}
