/** What the box says of its HTTPS. */
export interface HttpsView {
  /** 0: off. */
  port: number;
  /** Whether /ca.crt is there. */
  authority: boolean;
}

/** The same page by HTTPS; empty where the box does not serve it, or this is it already. */
export function secureAddress(port: number, here: { protocol: string; hostname: string }, path = "/"): string {
  if (!port || here.protocol === "https:") return "";
  return `https://${here.hostname}${port === 443 ? "" : `:${port}`}${path}`;
}
