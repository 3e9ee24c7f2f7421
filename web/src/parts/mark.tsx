import type { JSX } from "preact";

export function Mark(): JSX.Element {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect x="3" y="6" width="26" height="20" rx="4" class="mark-body" /><path d="M8 12h16" class="mark-line" />
      <circle cx="10" cy="20" r="2.2" class="mark-green" /><circle cx="16" cy="20" r="2.2" class="mark-green" /><circle cx="22" cy="20" r="2.2" class="mark-amber" />
    </svg>
  );
}
