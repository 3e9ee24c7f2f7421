import type { JSX } from "preact";
import type { QueueView } from "../../api/types";
import { figure, percent } from "../../format";
import { useSpeech } from "../../i18n";
import { useLive } from "../../live";
import { Elapsed } from "../../parts/elapsed";
import { Card, Empty } from "../../parts/pieces";
import { LONG_WAIT } from "./tiles";

export function Queues(): JSX.Element {
  const { t } = useSpeech();
  const queues = useLive((state) => state.queues);
  return (
    <Card title={t.queues.title} class="queues">
      {queues.length === 0 ? <Empty>{t.queues.empty}</Empty> : <ul class="rows">{queues.map((queue) => <QueueRow key={queue.id} queue={queue} />)}</ul>}
    </Card>
  );
}

function QueueRow({ queue }: { queue: QueueView }): JSX.Element {
  const { t, manner } = useSpeech();
  const read = useLive((state) => state.queuesRead);
  const show = (value: number): string => figure(value, manner.language);
  const level = percent(queue.answered_in_level_today, queue.offered_today);
  const share = queue.offered_today > 0 ? (100 * queue.answered_in_level_today) / queue.offered_today : 0;
  return (
    <li class={queue.waiting > 0 ? "queue has-waiting" : "queue"} data-queue={queue.id}>
      <div class="queue-head">
        <b>{queue.name || queue.id}</b><small>{queue.number}</small>
        {queue.agents_logged_in === 0 && <span class="tag bad">{t.queues.nobody}</span>}
      </div>
      <dl class="figures">
        <div class={queue.waiting > 0 ? "tone-warn" : ""}><dt>{t.queues.waiting}</dt><dd>{show(queue.waiting)}</dd></div>
        <div><dt>{t.queues.longest}</dt><dd>{queue.waiting > 0 ? <Elapsed since={read - queue.longest_wait_seconds * 1000} alarm={LONG_WAIT} /> : "–"}</dd></div>
        <div title={t.queues.agentsLong}><dt>{t.queues.agents}</dt><dd>{show(queue.agents_idle)} / {show(queue.agents_logged_in)}</dd></div>
      </dl>
      <dl class="figures today" aria-label={t.queues.today}>
        <div><dt>{t.queues.offered}</dt><dd>{show(queue.offered_today)}</dd></div>
        <div><dt>{t.queues.answered}</dt><dd>{show(queue.answered_today)}</dd></div>
        <div><dt>{t.queues.abandoned}</dt><dd>{show(queue.abandoned_today)}</dd></div>
        <div class="level" title={t.live.levelMeaning}><dt>{t.queues.level}</dt><dd>{level}</dd></div>
      </dl>
      {queue.offered_today > 0 && <meter class="level-bar" min={0} max={100} low={60} high={80} optimum={100} value={share} aria-label={t.queues.level}>{level}</meter>}
    </li>
  );
}
