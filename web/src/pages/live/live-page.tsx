import type { JSX } from "preact";
import { useSpeech } from "../../i18n";
import { useLive } from "../../live";
import type { ListName } from "../../live/affected";
import { SCOPES } from "../../live/live";
import { session } from "../../session";
import { useStore } from "../../store";
import { Agents } from "./agents";
import { Calls, Waiting } from "./calls";
import { Faults } from "./faults";
import { FrontPanel } from "./front-panel";
import { Phones, Trunks } from "./lines";
import { Queues } from "./queues";
import { Tiles } from "./tiles";

export function LivePage(): JSX.Element {
  const { t } = useSpeech();
  const loaded = useLive((state) => state.loaded);
  const stale = useLive((state) => state.connection !== "live");
  const { user } = useStore(session);
  const scope = SCOPES[user?.role ?? "wallboard"].shows;
  const sees = (list: ListName): boolean => scope.includes(list);
  if (!loaded) return <p class="empty page-empty">{t.connection.connecting}</p>;
  return (
    <div class={stale ? "live is-stale" : "live"}>
      <h1 class="hidden">{t.live.title}</h1>
      <Faults />
      <FrontPanel />
      {sees("queues") && <Tiles />}
      <div class={sees("calls") ? "live-grid" : "live-grid two"}>
        <div class="live-column calls-column">{sees("calls") && sees("queues") && <Waiting />}{sees("calls") && <Calls />}{sees("queues") && <Queues />}</div>
        <div class="live-column agents-column"><Agents /></div>
        {sees("trunks") && <div class="live-column lines-column"><Trunks /><Phones /></div>}
      </div>
    </div>
  );
}
