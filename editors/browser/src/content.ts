// In every frame of a page whose site is switched on: checks the field that is being written in,
// draws lines under what was found, and shows why and what to say instead.

import { Field, fieldOf, rangeOf, read, rectsInPlain, replace } from "./fields";
import { Answer, Finding, Request } from "./protocol";

const QUIET = 300;
const SITE = location.ancestorOrigins.item(location.ancestorOrigins.length - 1) ?? location.origin;

/** Offsets in UTF-16, which is what the page counts in. */
interface Mark {
  finding: Finding;
  start: number;
  end: number;
  rects: DOMRect[];
}

let field: Field | null = null;
let checked = "";
let marks: Mark[] = [];
let timer = 0;
let request = 0;

const host = document.createElement("huashu-marks");
const shadow = host.attachShadow({ mode: "open" });
shadow.innerHTML = `<style>
  :host { all: initial; }
  .line { position: fixed; pointer-events: none; height: 3px; z-index: 2147483646; border-radius: 2px; }
  .line.block { background: #d32f2f; } .line.review { background: #f57c00; } .line.hint { background: #1976d2; }
  .card { position: fixed; z-index: 2147483647; max-width: 380px; box-sizing: border-box; padding: 12px 14px;
    font: 14px/1.6 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; color: #1b1b1b; background: #fff;
    border: 1px solid #c9c9c9; border-radius: 8px; box-shadow: 0 6px 24px rgb(0 0 0 / 18%); }
  .card h2 { margin: 0 0 4px; font-size: 14px; } .card p { margin: 4px 0; } .card small { color: #555; }
  .card button { display: block; width: 100%; margin-top: 6px; padding: 6px 10px; text-align: left; font: inherit;
    color: #0b5a2b; background: #eaf6ee; border: 1px solid #9fd3b1; border-radius: 6px; cursor: pointer; }
  .card button:hover, .card button:focus { background: #d5eedd; }
</style>`;
const lines = document.createElement("div");
shadow.append(lines);
let card: HTMLElement | null = null;

async function ask(message: Request): Promise<Answer> {
  try {
    return await chrome.runtime.sendMessage(message);
  } catch {
    return { error: "扩展已更新，请刷新页面" };
  }
}

/** Code-point offsets of the server to the page's. */
function toUtf16(text: string): (offset: number) => number {
  const places: number[] = [];
  let place = 0;
  for (const character of text) {
    places.push(place);
    place += character.length;
  }
  places.push(place);
  return (offset) => places[Math.min(offset, places.length - 1)];
}

function schedule(delay = QUIET): void {
  clearTimeout(timer);
  timer = window.setTimeout(check, delay);
}

async function check(): Promise<void> {
  if (!field) return;
  const { text } = read(field);
  const mine = ++request;
  if (!text.trim()) {
    marks = [];
    checked = text;
    draw();
    return;
  }
  const answer = await ask({ type: "check", site: SITE, text });
  if (mine !== request || !field || read(field).text !== text) return;
  checked = text;
  if ("error" in answer) {
    field.dataset.huashu = answer.error;
    marks = [];
  } else if ("findings" in answer) {
    delete field.dataset.huashu;
    const place = toUtf16(text);
    marks = answer.findings.map((finding) => ({
      finding,
      start: place(finding.start),
      end: place(finding.end),
      rects: [],
    }));
  }
  draw();
}

function draw(): void {
  lines.replaceChildren();
  if (!field?.isConnected) return;
  if (!host.isConnected) document.documentElement.append(host);
  const spans = marks.map((mark): [number, number] => [mark.start, Math.max(mark.end, mark.start + 1)]);
  if (field instanceof HTMLTextAreaElement || field instanceof HTMLInputElement) {
    rectsInPlain(field, spans).forEach((rects, index) => (marks[index].rects = rects));
  } else {
    const { nodes } = read(field);
    spans.forEach(([start, end], index) => {
      const range = rangeOf(nodes, start, end);
      marks[index].rects = range ? [...range.getClientRects()].filter((rect) => rect.width > 0) : [];
    });
  }
  for (const mark of marks) {
    for (const rect of mark.rects) {
      const line = document.createElement("div");
      line.className = `line ${mark.finding.level}`;
      line.dataset.rule = mark.finding.rule;
      line.dataset.text = mark.finding.text;
      Object.assign(line.style, { left: `${rect.left}px`, top: `${rect.bottom - 2}px`, width: `${rect.width}px` });
      lines.append(line);
    }
  }
}

function close(): void {
  card?.remove();
  card = null;
}

function show(mark: Mark): void {
  close();
  const made = document.createElement("div");
  made.className = "card";
  made.setAttribute("role", "dialog");
  made.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus
  const title = document.createElement("h2");
  title.textContent = { block: "禁止使用", review: "需复核", hint: "提示" }[mark.finding.level];
  const reason = document.createElement("p");
  reason.textContent = mark.finding.message;
  const basis = document.createElement("small");
  basis.textContent = mark.finding.basis.length
    ? `依据：${[...new Set(mark.finding.basis.map((item) => item.cite))].join("、")}`
    : "";
  made.append(title, reason, basis);
  const place = toUtf16(checked);
  for (const rewrite of mark.finding.rewrites) {
    const start = place(rewrite.start);
    const end = place(rewrite.end);
    const asksOnly = rewrite.apply === "manual" && rewrite.text === mark.finding.text;
    if (asksOnly) {
      const note = document.createElement("p");
      note.textContent = `请先核实：${rewrite.note}`;
      made.append(note);
      continue;
    }
    const button = document.createElement("button");
    const verb = start === end ? "补上" : rewrite.text ? "改为" : "删去";
    button.textContent = `${verb}“${rewrite.text || mark.finding.text}”` + (rewrite.note ? `（请先核实：${rewrite.note}）` : "");
    button.addEventListener("click", () => {
      if (field && read(field).text === checked) replace(field, start, end, rewrite.text);
      close();
      schedule(0);
    });
    made.append(button);
  }
  const rect = mark.rects[0];
  made.style.left = `${Math.max(8, Math.min(rect.left, innerWidth - 396))}px`;
  made.style.top = `${rect.bottom + 6}px`;
  shadow.append(made);
  if (made.getBoundingClientRect().bottom > innerHeight) {
    made.style.top = `${Math.max(8, rect.top - 6 - made.getBoundingClientRect().height)}px`;
  }
  card = made;
}

function markAt(x: number, y: number): Mark | undefined {
  return marks.find((mark) =>
    mark.rects.some((rect) => x >= rect.left && x <= rect.right && y >= rect.top - 2 && y <= rect.bottom + 4),
  );
}

function start(): void {
  document.addEventListener("focusin", (event) => {
    const found = fieldOf(event.target);
    if (!found || found === field) return; // what was found stays when the focus leaves
    field = found;
    marks = [];
    close();
    draw();
    schedule(0);
  });
  document.addEventListener("input", (event) => {
    const found = fieldOf(event.target);
    if (!found) return;
    if (found !== field) field = found;
    marks = [];
    close();
    draw();
    schedule();
  }, true);
  document.addEventListener("click", (event) => {
    if (event.composedPath().includes(host)) return;
    const mark = event.target instanceof Node && field?.contains(event.target) ? markAt(event.clientX, event.clientY) : undefined;
    if (mark) show(mark);
    else close();
  }, true);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  }, true);
  for (const moved of ["scroll", "resize"]) {
    window.addEventListener(moved, () => {
      close();
      draw();
    }, true);
  }
  const focused = fieldOf(document.activeElement);
  if (focused) {
    field = focused;
    schedule(0);
  }
}

ask({ type: "enabled", site: SITE }).then((answer) => {
  if ("enabled" in answer && answer.enabled) start();
});
