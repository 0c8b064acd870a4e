// What content script and service worker say to each other, and the part of the API that is used.

export interface Rewrite {
  start: number;
  end: number;
  text: string;
  apply: "safe" | "suggest" | "manual";
  note: string;
}

/** A finding of POST /api/v1/check; offsets are code points. */
export interface Finding {
  rule: string;
  level: "block" | "review" | "hint";
  start: number;
  end: number;
  text: string;
  message: string;
  basis: { cite: string; applies_when: string }[];
  rewrites: Rewrite[];
}

export interface Settings {
  server: string;
  key: string;
  industry: string;
  channel: string;
  /** Origins of pages on which the extension works; on all others it reads nothing. */
  sites: Record<string, boolean>;
}

export const DEFAULTS: Settings = {
  server: "http://127.0.0.1:8181",
  key: "",
  industry: "",
  channel: "",
  sites: {},
};

/** `site` is the origin of the page in the tab, whatever frame of it asks. */
export type Request = { type: "enabled"; site: string } | { type: "check"; site: string; text: string };
export type Answer = { enabled: boolean } | { findings: Finding[] } | { error: string };
