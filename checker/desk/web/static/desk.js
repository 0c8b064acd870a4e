// The desk's pages: forms speak to the API, findings are walked by keyboard, texts are checked while they are written.
"use strict";

const csrf = document.querySelector("meta[name=csrf]").content;
const main = document.getElementById("main");

async function call(method, path, body) {
  const options = { method, headers: { "X-CSRF-Token": csrf }, credentials: "same-origin" };
  if (body instanceof FormData) options.body = body;
  else if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  const answer = await fetch(path, options);
  if (answer.status === 401) {
    location.href = "/desk/login?next=" + encodeURIComponent(location.pathname + location.search);
    throw new Error("请先登录");
  }
  const type = answer.headers.get("content-type") || "";
  const content = answer.status === 204 ? null : type.includes("json") ? await answer.json() : await answer.text();
  if (!answer.ok) {
    const detail = content && content.detail;
    if (Array.isArray(detail)) throw new Error(detail.map((item) => `${item.loc.slice(1).join(".")}：${item.msg}`).join("；"));
    throw new Error(detail || `服务器答复 ${answer.status}`);
  }
  return content;
}

function toast(words) {
  const box = document.getElementById("toast");
  box.textContent = words;
  box.hidden = false;
  setTimeout(() => { box.hidden = true; }, 4000);
}

// --- forms -----------------------------------------------------------------------------------------------

function values(form) {
  if (form.enctype === "multipart/form-data") return new FormData(form);
  const out = {};
  for (const field of form.elements) {
    if (!field.name || field.type === "submit" || field.type === "button") continue;
    const kind = field.dataset.type;
    if (kind === "list") {
      out[field.name] = out[field.name] || [];
      if (field.checked) out[field.name].push(field.value);
    } else if (kind === "number") out[field.name] = field.value === "" ? null : Number(field.value);
    else if (kind === "bool") out[field.name] = field.value === "true";
    else if (field.value === "" && (field.type === "date" || form.hasAttribute("data-skip-empty"))) out[field.name] = null;
    else out[field.name] = field.value;
  }
  return out;
}

function show(form, error) {
  const place = form.querySelector(".form-error");
  if (!place) return toast(error.message);
  place.textContent = error.message;
  place.hidden = false;
  place.scrollIntoView({ block: "nearest" });
}

function reload(keep) {
  if (keep) sessionStorage.setItem("keep", keep);
  location.reload();
}

const after = {
  reload: (form) => reload(form.dataset.keep || currentKey()),
  script: (form, made) => { location.href = `/desk/scripts/${made.id}`; },
  "first-script": (form, made) => {
    location.href = made.scripts.length === 1 ? `/desk/scripts/${made.scripts[0].id}` : "/desk/";
  },
  secret: (form, made) => {
    const place = form.querySelector(".secret");
    place.textContent = `只显示这一次，请保存：${made.secret}`;
    place.hidden = false;
  },
  verified: (form, found) => {
    const place = document.getElementById("verified");
    place.className = found.ok ? "panel good" : "panel error";
    place.textContent = found.ok
      ? `完好：${found.entries} 条审计记录、${found.rows} 行数据、签名和文件全部相符。`
      : `发现 ${found.problems.length} 处不符：${found.problems.join("；")}`;
    place.hidden = false;
  },
};

async function send(form, pressed) {
  const buttons = form.querySelectorAll("button");
  const [method, path] = form.dataset.api.split(" ");
  if (form.dataset.confirm && !confirm(form.dataset.confirm)) return;
  const body = method === "DELETE" ? undefined : values(form);
  buttons.forEach((button) => { button.disabled = true; });
  try {
    const made = await call(method, path, body);
    if (pressed && pressed.name === "submit_after") {
      await call("POST", `/api/v1/desk/scripts/${made.id}/submit`, { base: made.version });
    }
    const then = form.dataset.then;
    if (after[then]) after[then](form, made);
    else location.href = then;
  } catch (error) {
    show(form, error);
  } finally {
    buttons.forEach((button) => { button.disabled = false; });
  }
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.dataset.api) {
    event.preventDefault();
    await send(form, event.submitter);
  } else if (form.dataset.decide) {
    event.preventDefault();
    try {
      await call("POST", `${form.dataset.decide}/${event.submitter.value}`, {
        base: Number(main.dataset.base),
        comment: form.elements.comment.value,
      });
      reload();
    } catch (error) {
      show(form, error);
    }
  }
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});

// --- the review page -------------------------------------------------------------------------------------

const cards = [...document.querySelectorAll(".card")];
let selected = null;

function currentKey() {
  return selected ? selected.id : "";
}

function select(card, { scroll = true } = {}) {
  if (!card) return;
  document.querySelectorAll(".on").forEach((item) => item.classList.remove("on"));
  selected = card;
  card.classList.add("on");
  const marks = [...document.querySelectorAll(`[data-mark~="${card.id}"]`)];
  marks.forEach((mark) => mark.classList.add("on"));
  if (scroll) {
    card.scrollIntoView({ block: "nearest" });
    if (marks[0]) marks[0].scrollIntoView({ block: "center" });
  }
}

function visible() {
  return document.body.classList.contains("kept-hidden") ? cards.filter((card) => !card.classList.contains("kept")) : cards;
}

function step(by) {
  const shown = visible();
  if (!shown.length) return;
  const at = shown.indexOf(selected);
  select(shown[at < 0 ? 0 : (at + by + shown.length) % shown.length]);
}

function press(selector) {
  const target = selected && selected.querySelector(selector);
  if (target) target.click();
}

if (cards.length) {
  const kept = document.getElementById(sessionStorage.getItem("keep") || "none");
  sessionStorage.removeItem("keep");
  const first = cards.find((card) => card.dataset.status === "open") || cards[0];
  const resumed = kept && kept.dataset.status === "open" ? kept : first;
  select(resumed, { scroll: Boolean(kept) });
  document.addEventListener("click", (event) => {
    const mark = event.target.closest("[data-mark]");
    const head = event.target.closest(".card > header");
    if (mark) {
      const key = mark.dataset.mark.split(" ").find((item) => item.startsWith("f"));
      if (key) select(document.getElementById(key));
    } else if (head) select(head.parentElement, { scroll: false });
  });
  document.getElementById("next").addEventListener("click", () => step(1));
  document.getElementById("previous").addEventListener("click", () => step(-1));
}

const excused = document.getElementById("show-excused");
if (excused) excused.addEventListener("change", () => {
  document.body.classList.toggle("show-excused", excused.checked);
  const list = document.querySelector(".excused-list");
  if (list) list.open = excused.checked;
});
const onlyNew = document.getElementById("only-new");
if (onlyNew) onlyNew.addEventListener("change", () => {
  document.body.classList.toggle("kept-hidden", onlyNew.checked);
  if (onlyNew.checked && !visible().includes(selected)) select(visible()[0]);
});

const keys = {
  n: () => step(1),
  j: () => step(1),
  p: () => step(-1),
  k: () => step(-1),
  a: () => {
    const form = selected && selected.querySelector(".fix");
    if (!form) return toast("这处没有可以采用的改写");
    const blank = form.querySelector("input[name=text]");
    if (blank && document.activeElement !== blank) blank.focus();
    else form.querySelector("button").click();
  },
  y: () => press(".confirm"),
  w: () => {
    const box = selected && selected.querySelector(".waive");
    if (!box) return;
    box.open = true;
    box.querySelector("textarea").focus();
  },
  c: () => {
    const field = selected && selected.querySelector(".comment input[name=text]");
    if (field) field.focus();
  },
  e: () => { if (main.dataset.edit) location.href = main.dataset.edit; },
  x: () => excused && excused.click(),
  g: () => {
    const place = document.querySelector("#decide textarea");
    if (place) place.focus();
  },
};

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && document.activeElement) return document.activeElement.blur();
  if (event.ctrlKey || event.metaKey || event.altKey || !main.dataset.script) return;
  if (/^(input|textarea|select)$/i.test(event.target.tagName) && event.target.type !== "checkbox") return;
  const action = keys[event.key.toLowerCase()];
  if (action) {
    event.preventDefault();
    action();
  }
});

// --- live check ------------------------------------------------------------------------------------------

const write = document.getElementById("write");
if (write) {
  const place = document.getElementById("preview");
  let timer = 0;
  let round = 0;
  const check = async () => {
    const { text, industry, channel, product, region } = values(write);
    if (!text.trim()) return;
    const mine = ++round;
    try {
      const html = await call("POST", "/desk/preview", { text, industry, channel, product, region });
      // The server escapes everything it puts into this piece of a page.
      if (mine === round) place.innerHTML = html;
    } catch (error) {
      if (mine === round) place.textContent = error.message;
    }
  };
  write.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(check, 350);
  });
  place.addEventListener("click", (event) => {
    const target = event.target.closest("[data-goto]");
    if (!target) return;
    const field = write.elements.text;
    // Offsets count code points, the field counts UTF-16 units.
    const points = [...field.value];
    const start = points.slice(0, Number(target.dataset.goto)).join("").length;
    field.focus();
    field.setSelectionRange(start, points.slice(0, Number(target.dataset.until)).join("").length);
  });
  check();
}
