// The popup: the switch of the present site.

import { DEFAULTS, Settings } from "./protocol";

const box = document.querySelector("input") as HTMLInputElement;
const shown = document.querySelector("b") as HTMLElement;

chrome.tabs.query({ active: true, currentWindow: true }).then(async ([tab]) => {
  const known = (await chrome.storage.local.get(DEFAULTS as unknown as Record<string, unknown>)) as unknown as Settings;
  const { sites } = known;
  let origin = "";
  try {
    origin = new URL(tab?.url ?? "").origin;
  } catch {
    // a page without an address has no switch
  }
  if (!origin.startsWith("http")) {
    box.disabled = true;
    shown.textContent = "此页面不能检查";
    return;
  }
  shown.textContent = origin;
  box.checked = sites[origin] === true;
  box.addEventListener("change", async () => {
    await chrome.storage.local.set({ sites: { ...sites, [origin]: box.checked } });
    if (tab.id !== undefined) await chrome.tabs.reload(tab.id);
  });
});

document.querySelector("button")?.addEventListener("click", () => chrome.runtime.openOptionsPage());
