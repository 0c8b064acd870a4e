// Fields of a page: which may be read, what is written in them, where its characters are drawn.

export type Field = HTMLTextAreaElement | HTMLInputElement | HTMLElement;

const SECRET = /pass|pwd|pin\b|otp|cvv|cvc|card|cc-|iban|account|secret|token|密码|口令|验证码|卡号|身份证/i;
const TYPES = new Set(["text", "search", ""]);

/** The field around a node that may be checked, or null. Passwords and payment data are never read. */
export function fieldOf(node: EventTarget | null): Field | null {
  const element = node instanceof Element ? node : node instanceof Node ? node.parentElement : null;
  if (!element) return null;
  if (element instanceof HTMLTextAreaElement || element instanceof HTMLInputElement) {
    if (element instanceof HTMLInputElement && !TYPES.has(element.type)) return null;
    if (element.readOnly || element.disabled) return null;
    return isSecret(element) ? null : element;
  }
  if (!(element instanceof HTMLElement) || !element.isContentEditable) return null;
  let root: HTMLElement = element;
  while (root.parentElement?.isContentEditable) root = root.parentElement;
  return isSecret(root) ? null : root;
}

function isSecret(field: HTMLElement): boolean {
  const names = ["name", "id", "autocomplete", "placeholder", "aria-label", "class"];
  const labels = field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement ? field.labels : null;
  const words = [...names.map((name) => field.getAttribute(name) ?? ""), ...[...(labels ?? [])].map((l) => l.textContent ?? "")];
  return words.some((text) => SECRET.test(text)) || field.closest("[data-huashu='off']") !== null;
}

const BLOCKS = /^(P|DIV|LI|UL|OL|H[1-6]|BLOCKQUOTE|PRE|TR|TABLE|SECTION|ARTICLE)$/;

/** The text of a field. For rich text also where each text node begins in it. */
export function read(field: Field): { text: string; nodes: { start: number; node: Text }[] } {
  if (field instanceof HTMLTextAreaElement || field instanceof HTMLInputElement) return { text: field.value, nodes: [] };
  const nodes: { start: number; node: Text }[] = [];
  let text = "";
  const newline = () => {
    if (text && !text.endsWith("\n")) text += "\n";
  };
  const walk = (node: Node) => {
    if (node instanceof Text) {
      nodes.push({ start: text.length, node });
      text += node.data;
    } else if (node instanceof HTMLElement) {
      if (node.tagName === "BR") text += "\n";
      const block = BLOCKS.test(node.tagName);
      if (block) newline();
      node.childNodes.forEach(walk);
      if (block) newline();
    }
  };
  field.childNodes.forEach(walk);
  return { text, nodes };
}

/** The range of [start, end) in rich text, or null when the page changed meanwhile. */
export function rangeOf(nodes: { start: number; node: Text }[], start: number, end: number): Range | null {
  const first = nodes.findLast((item) => item.start <= start);
  const last = nodes.findLast((item) => item.start < end) ?? first;
  if (!first || !last || !first.node.isConnected || !last.node.isConnected) return null;
  const range = document.createRange();
  range.setStart(first.node, Math.min(start - first.start, first.node.length));
  range.setEnd(last.node, Math.min(end - last.start, last.node.length));
  return range;
}

const COPIED = [
  "boxSizing", "borderTopWidth", "borderRightWidth", "borderBottomWidth", "borderLeftWidth", "borderStyle",
  "paddingTop", "paddingRight", "paddingBottom", "paddingLeft", "fontFamily", "fontSize", "fontStyle",
  "fontVariant", "fontWeight", "fontStretch", "lineHeight", "letterSpacing", "wordSpacing", "textAlign",
  "textIndent", "textTransform", "tabSize", "direction",
] as const; // prettier-ignore

/** Where spans of a plain field are drawn: a copy of the field is laid out and measured. */
export function rectsInPlain(
  field: HTMLTextAreaElement | HTMLInputElement,
  spans: [number, number][],
): DOMRect[][] {
  const style = getComputedStyle(field);
  const copy = document.createElement("div");
  for (const name of COPIED) copy.style[name] = style[name];
  const single = field instanceof HTMLInputElement;
  copy.style.position = "fixed";
  copy.style.visibility = "hidden";
  copy.style.overflow = "hidden";
  copy.style.whiteSpace = single ? "pre" : "pre-wrap";
  copy.style.overflowWrap = "break-word";
  const box = field.getBoundingClientRect();
  copy.style.left = `${box.left}px`;
  copy.style.top = `${box.top}px`;
  // A scroll bar takes its width from the lines.
  copy.style.width = `${single ? box.width : field.clientWidth + parseFloat(style.borderLeftWidth) + parseFloat(style.borderRightWidth)}px`;
  if (style.boxSizing !== "border-box") copy.style.boxSizing = "border-box";
  const node = document.createTextNode(field.value + "\u200b");
  copy.append(node);
  document.documentElement.append(copy);
  let lift = 0;
  if (single) {
    // The words of an input stand in its middle.
    lift = Math.max((box.height - copy.getBoundingClientRect().height) / 2, 0);
  }
  const found = spans.map(([start, end]) => {
    const range = document.createRange();
    range.setStart(node, Math.min(start, field.value.length));
    range.setEnd(node, Math.min(end, field.value.length));
    return [...range.getClientRects()]
      .map((r) => new DOMRect(r.left - field.scrollLeft, r.top - field.scrollTop + lift, r.width, r.height))
      .filter((r) => r.bottom > box.top && r.top < box.bottom && r.right > box.left && r.left < box.right);
  });
  copy.remove();
  return found;
}

/** Replace [start, end) as typing would, so that undo, frameworks and rich-text editors follow. */
export function replace(field: Field, start: number, end: number, words: string): void {
  field.focus();
  if (field instanceof HTMLTextAreaElement || field instanceof HTMLInputElement) {
    field.setSelectionRange(start, end);
  } else {
    const range = rangeOf(read(field).nodes, start, end);
    const selection = getSelection();
    if (!range || !selection) return;
    selection.removeAllRanges();
    selection.addRange(range);
  }
  // Deprecated, and the only call that keeps the undo history of the page.
  document.execCommand(words ? "insertText" : "delete", false, words);
}
