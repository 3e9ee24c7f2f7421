import type { JSX } from "preact";

/** Line drawings on a 24 × 24 grid. */
const PATHS = {
  live: "M3 12h4l3-8 4 16 3-8h4",
  records: "M5 4h14v16H5zM9 9h6M9 13h6M9 17h3",
  system: "M4 7h16v10H4zM8 17v3m8-3v3M8 12h.01M12 12h.01M16 12h.01",
  inbound: "M19 5 8 16m0-8v8h8",
  outbound: "M5 19 16 8m0 8V8H8",
  internal: "M4 9h13m-4-4 4 4-4 4M20 15H7m4 4-4-4 4-4",
  service: "M12 4v3m0 10v3M4 12h3m10 0h3M6.5 6.5l2 2m7 7 2 2m0-11-2 2m-7 7-2 2",
  hangup: "M1.5 14.500c5-7.3 16-7.3 21 0l-3 3.2-4.3-2v-3.200a12 12 0 0 0-6.4 0v3.200l-4.3 2z",
  menu: "M5 5h3v3H5zm6 0h3v3h-3zm6 0h2v3h-2zM5 11h3v3H5zm6 0h3v3h-3zm6 0h2v3h-2zM11 17h3v3h-3z",
  chevron: "m9 6 6 6-6 6",
  close: "m6 6 12 12M18 6 6 18",
  back: "m15 6-6 6 6 6",
  play: "M8 5v14l11-7z",
  pause: "M8 5v14M16 5v14",
  record: "M12 18a6 6 0 1 0 0-12 6 6 0 0 0 0 12z",
  stop: "M7 7h10v10H7z",
  speaker: "M4 9h4l5-4v14l-5-4H4zM16.500 9a4 4 0 0 1 0 6M19 6.500a8 8 0 0 1 0 11",
  download: "M12 4v11m-5-4 5 5 5-5M5 20h14",
  warning: "M12 4 2.5 20h19zM12 10v4m0 3h.01",
  user: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zm-8 8c1-4 4-6 8-6s7 2 8 6",
  phone: "M5 4h4l2 5-2.5 1.500a11 11 0 0 0 5 5L15 13l5 2v4c-9 1-16-6-15-15z",
  lock: "M6 11h12v9H6zM8.500 11V8a3.500 3.500 0 0 1 7 0v3M12 14.500v2",
  check: "m5 13 4 4L19 7",
  eye: "M2 12c3-5 6.5-7 10-7s7 2 10 7c-3 5-6.5 7-10 7s-7-2-10-7zm10 3a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.5 20 20",
  back10: "M4 5v5h5M4.6 14a8 8 0 1 0 1.9-7.700L4 10",
  headset: "M4 15v-3a8 8 0 0 1 16 0v3M4 14h3v6H5a1 1 0 0 1-1-1zm16 0h-3v6h2a1 1 0 0 0 1-1z",
  forward10: "M20 5v5h-5m4.4 4a8 8 0 1 1-1.9-7.700L20 10",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, label }: { name: IconName; label?: string }): JSX.Element {
  const named = label ? { role: "img" as const, "aria-label": label } : { "aria-hidden": true as const };
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 24 24" {...named}>
      <path d={PATHS[name]} />
    </svg>
  );
}
