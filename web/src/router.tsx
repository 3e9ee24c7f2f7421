import type { ComponentChildren, JSX } from "preact";
import { Store, useStore } from "./store";

const here = (): string => location.pathname + location.search;

export const place = new Store(here());
addEventListener("popstate", () => place.set(here()));

export function navigate(to: string, replace = false): void {
  if (to === here()) return;
  if (replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  place.set(here());
}

/** Path segments and search of the address shown. */
export function usePlace(): { parts: string[]; search: URLSearchParams } {
  const [path = "/", search = ""] = useStore(place).split("?");
  return { parts: path.split("/").filter(Boolean).map(decode), search: new URLSearchParams(search) };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

interface LinkProps {
  to: string;
  class?: string;
  title?: string;
  "aria-current"?: "page" | undefined;
  "aria-label"?: string;
  children: ComponentChildren;
}

export function Link({ to, children, ...rest }: LinkProps): JSX.Element {
  const follow = (event: MouseEvent): void => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(to);
  };
  return <a {...rest} href={to} onClick={follow}>{children}</a>;
}
