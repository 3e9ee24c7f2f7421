import type { ComponentChildren, JSX } from "preact";
import { useId } from "preact/hooks";
import type { CallKind } from "../api/types";
import { useSpeech } from "../i18n";
import { Icon } from "./icon";

interface CardProps {
  title: string;
  class?: string;
  /** Beside the title: a count, a button. */
  aside?: ComponentChildren;
  children: ComponentChildren;
}

export function Card({ title, class: name = "", aside, children }: CardProps): JSX.Element {
  const heading = useId();
  return (
    <section class={`card ${name}`} aria-labelledby={heading}>
      <header class="card-head">
        <h2 id={heading}>{title}</h2>
        {aside !== undefined && <div class="card-aside">{aside}</div>}
      </header>
      {children}
    </section>
  );
}

export function Empty({ children }: { children: ComponentChildren }): JSX.Element {
  return <p class="empty">{children}</p>;
}

/** A state with its colour; the word is always there, colour alone says nothing. */
export function Pill({ tone, children }: { tone: string; children: ComponentChildren }): JSX.Element {
  return <span class={`pill tone-${tone}`}><i class="dot" aria-hidden="true" />{children}</span>;
}

export function KindIcon({ kind }: { kind: CallKind }): JSX.Element {
  const { t } = useSpeech();
  return <span class={`kind kind-${kind}`} title={t.kind[kind]}><Icon name={kind} label={t.kind[kind]} /></span>;
}
