// The options page: which server, which key, which industry and channel.

import { DEFAULTS, Settings } from "./protocol";

const form = document.querySelector("form") as HTMLFormElement;
const told = document.querySelector("output") as HTMLOutputElement;
const names = ["server", "key", "industry", "channel"] as const;

function input(name: string): HTMLInputElement {
  return form.elements.namedItem(name) as HTMLInputElement;
}

chrome.storage.local.get(DEFAULTS as unknown as Record<string, unknown>).then((known) => {
  for (const name of names) input(name).value = (known as unknown as Settings)[name];
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  let server: URL;
  try {
    server = new URL(input("server").value);
  } catch {
    told.value = "服务器地址不是网址";
    return;
  }
  if (!(await chrome.permissions.request({ origins: [`${server.protocol}//${server.hostname}/*`] }))) {
    told.value = "没有得到访问这台服务器的许可";
    return;
  }
  await chrome.storage.local.set(Object.fromEntries(names.map((name) => [name, input(name).value.trim()])));
  told.value = "已保存";
});
