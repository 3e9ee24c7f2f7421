import WaveSurfer from "wavesurfer.js";

/** Draws a recording, the outside party above our side, and moves with `media`; returns how to end that. */
export function drawWaveform(container: HTMLElement, media: HTMLMediaElement, peaks: number[][], seconds: number): () => void {
  const color = (name: string): string => getComputedStyle(container).getPropertyValue(name).trim();
  const channel = (name: string): { waveColor: string; progressColor: string } => ({ waveColor: color(`${name}-soft`), progressColor: color(name) });
  const surfer = WaveSurfer.create({
    container,
    media,
    peaks,
    duration: seconds,
    height: peaks.length > 1 ? 52 : 90,
    barWidth: 2,
    barGap: 1,
    barRadius: 1,
    normalize: true,
    dragToSeek: true,
    cursorColor: color("--text"),
    splitChannels: peaks.map((_, index) => channel(index === 0 ? "--wave-outside" : "--wave-ours")),
  });
  adoptStyle(surfer.getWrapper().getRootNode());
  return () => surfer.destroy();
}

/** The style that the build made inert (see vite.config.ts), applied in the way that the page's policy allows. */
function adoptStyle(root: Node): void {
  if (!(root instanceof ShadowRoot)) return;
  const style = root.querySelector("template");
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(style?.content.textContent ?? "");
  root.adoptedStyleSheets = [sheet];
}
