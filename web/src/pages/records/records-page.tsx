import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { CallRecord, List } from "../../api/types";
import { get } from "../../api/http";
import { useSpeech } from "../../i18n";
import { useLive } from "../../live";
import { explain } from "../../parts/toast";
import { navigate, usePlace } from "../../router";
import { RecordDialog } from "./record-dialog";
import { RecordFilters } from "./record-filters";
import { RecordTable } from "./record-table";
import { isSearching, readSearch, writeSearch, type RecordSearch } from "./query";

const PAGE = 50;

interface Found {
  items: CallRecord[];
  next: string | null;
  /** How many calls had ended when this was read. */
  ended: number;
}

/** The records of a search; reads again when the search changes. */
function useRecords(search: RecordSearch): { found: Found | null; problem: string; busy: boolean; more: () => void; again: () => void } {
  const ended = useLive((state) => state.ended);
  const [found, setFound] = useState<Found | null>(null);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const asked = useRef(0);
  const read = async (cursor: string | null): Promise<void> => {
    asked.current += 1;
    const ask = asked.current;
    setBusy(true);
    try {
      const page = await get<List<CallRecord>>("records", { ...search, limit: PAGE, cursor });
      if (ask !== asked.current) return;
      setFound((before) => ({
        items: cursor && before ? [...before.items, ...page.items] : page.items,
        next: page.next,
        ended: cursor && before ? before.ended : ended,
      }));
      setProblem("");
    } catch (error) {
      if (ask === asked.current) setProblem(explain(error));
    }
    if (ask === asked.current) setBusy(false);
  };
  useEffect(() => void read(null), [writeSearch(search)]);
  return { found, problem, busy, more: () => void read(found?.next ?? null), again: () => void read(null) };
}

export function RecordsPage({ selected }: { selected: string }): JSX.Element {
  const { t } = useSpeech();
  const place = usePlace();
  const search = readSearch(place.search);
  const { found, problem, busy, more, again } = useRecords(search);
  const ended = useLive((state) => state.ended);
  const fresh = found ? ended - found.ended : 0;
  // What is typed takes effect a moment later; a call that was opened meanwhile stays open.
  const change = (wanted: RecordSearch): void => navigate(`/records${selected && `/${encodeURIComponent(selected)}`}${writeSearch(wanted)}`, true);
  const clear = (): void => navigate("/records", true);
  return (
    <div class="records">
      <h1>{t.records.title}</h1>
      <RecordFilters search={search} change={change} clear={clear} />
      {problem && <p class="notice bad" role="alert">{problem} <button type="button" class="link" onClick={again}>{t.common.retry}</button></p>}
      <section class="card" aria-busy={busy}>
        <header class="card-head">
          <span class="note" role="status">{found ? t.records.count(found.items.length, found.next !== null) : t.common.loading}</span>
          {fresh > 0 && <button type="button" class="button small-button" onClick={again}>{t.records.newer(fresh)}</button>}
        </header>
        {found && found.items.length === 0 && (isSearching(search)
          ? <div class="empty"><p>{t.records.empty}</p><p class="hint">{t.records.emptyHint}</p></div>
          : <p class="empty">{t.records.none}</p>)}
        {found && found.items.length > 0 && <RecordTable records={found.items} search={writeSearch(search)} selected={selected} />}
        {found?.next && <div class="more"><button type="button" class="button" disabled={busy} onClick={more}>{busy ? t.common.loading : t.common.more}</button></div>}
      </section>
      {selected && <RecordDialog key={selected} id={selected} known={found?.items.find((each) => each.id === selected)} onClose={() => navigate(`/records${writeSearch(search)}`)} />}
    </div>
  );
}
