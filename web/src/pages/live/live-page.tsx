import type { JSX } from "preact";
import { useSpeech } from "../../i18n";
import { useLive } from "../../live";
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
  if (!loaded) return <p class="empty page-empty">{t.connection.connecting}</p>;
  return (
    <div class={stale ? "live is-stale" : "live"}>
      <h1 class="hidden">{t.live.title}</h1>
      <Faults />
      <FrontPanel />
      <Tiles />
      <div class="live-grid">
        <div class="live-column calls-column"><Waiting /><Calls /></div>
        <div class="live-column agents-column"><Agents /></div>
        <div class="live-column lines-column"><Queues /><Trunks /><Phones /></div>
      </div>
    </div>
  );
}
