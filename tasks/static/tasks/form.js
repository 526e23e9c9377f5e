/* The task form: previews and argument fields come from the server, never from here. */
(() => {
  "use strict";
  const form = document.querySelector("form[data-preview]");
  if (!form) return;
  const all = (selector, root = form) => [...root.querySelectorAll(selector)];
  const dirtyNote = document.querySelector("#dirty");
  let dirty = Boolean(document.querySelector(".sp-banner--error, .sp-banner--warning [name=_overwrite]"));
  let sending = false;

  const setDirty = () => {
    dirty = true;
    if (dirtyNote) dirtyNote.textContent = form.dataset.dirty;
  };
  window.addEventListener("beforeunload", (event) => { if (dirty && !sending) event.preventDefault(); });
  form.addEventListener("submit", () => { sending = true; });

  /* Put the server's words next to the fields they are about. */
  const mark = (builder, isNew) => {
    for (const error of all(".sp-error", builder)) error.remove();
    for (const input of all("[aria-invalid]", builder)) {
      input.removeAttribute("aria-invalid");
    }
    const found = all("[data-errors] li", builder);
    /* Nobody has had a chance yet: what is missing is said, and nothing is red. */
    if (isNew && found.length) {
      builder.querySelector("[data-preview-out] p").textContent = found.map((item) => item.textContent).join(" ");
      return;
    }
    const kind = builder.querySelector("[name$='-kind']:checked")?.value;
    for (const item of found) {
      const prefix = builder.dataset.builder;
      const input = builder.querySelector(`[name="${prefix}-${item.dataset.field}"]`);
      const place = builder.querySelector(`[data-kind="${kind}"]`) ?? input?.parentElement;
      const note = document.createElement("p");
      note.className = "sp-error";
      note.id = `id_${prefix}-${item.dataset.field}_error`;
      note.textContent = item.textContent;
      (place?.contains(input) ? place : input?.closest(".sp-field") ?? place)?.append(note);
      input?.setAttribute("aria-invalid", "true");
      input?.setAttribute("aria-describedby", note.id);
    }
  };

  /* Who was logged out meanwhile is sent to the login, which belongs in no corner of a form. */
  const shows = (answer) => answer.ok && !answer.redirected;

  const asked = new Map();
  const preview = async (builder, isNew) => {
    const prefix = builder.dataset.builder;
    const out = builder.querySelector("[data-preview-out]");
    const query = new URLSearchParams({ prefix });
    if (form.dataset.task) query.set("task", form.dataset.task);
    for (const [name, value] of new FormData(form)) if (name.startsWith(`${prefix}-`)) query.append(name, value);
    asked.get(builder)?.abort();
    const control = new AbortController();
    asked.set(builder, control);
    try {
      const answer = await fetch(`${form.dataset.preview}?${query}`, { signal: control.signal });
      if (!shows(answer)) throw new Error(String(answer.status));
      out.innerHTML = await answer.text();
      out.classList.remove("is-stale");
      mark(builder, isNew);
    } catch (error) {
      if (error.name !== "AbortError") out.classList.add("is-stale");
    }
  };

  const timers = new Map();
  form.addEventListener("input", (event) => {
    setDirty();
    const builder = event.target.closest(".sp-builder");
    if (!builder) return;
    clearTimeout(timers.get(builder));
    const isNew = event.target.name.endsWith("-kind");
    timers.set(builder, setTimeout(() => preview(builder, isNew), 250));
  });

  // Typing in the list passes by other spiders: only the last one's fields may come, and they
  // leave the focus where it is. One may be chosen before this runs, or by a browser that goes back.
  const spiders = form.querySelector("#id_spider");
  let shown = spiders?.querySelector("option[selected]")?.value ?? spiders?.options[0]?.value;
  let choosing;
  const typed = new Set();
  form.addEventListener("input", ({ target }) => { if (target.closest("#arguments") && !target.matches("select, [type=checkbox]")) typed.add(target.name); });
  const bringFields = async () => {
    if (spiders.value === shown) return;
    shown = spiders.value;
    typed.clear();
    const query = new URLSearchParams({ spider: shown });
    if (form.dataset.task) query.set("task", form.dataset.task);
    choosing?.abort();
    choosing = new AbortController();
    try {
      const answer = await fetch(`${form.dataset.arguments}?${query}`, { signal: choosing.signal });
      if (!shows(answer)) return;
      const fields = await answer.text();
      const here = document.querySelector("#arguments");
      const focused = here.contains(document.activeElement) ? document.activeElement.id : "";
      const kept = new Map([...typed].map((name) => [name, form.elements[name]?.value]));
      here.innerHTML = fields;
      /* Typed while they were on their way: it is in the field of that name, as without scripts. */
      for (const [name, text] of kept) {
        const field = form.elements[name];
        if (field?.matches?.("input:not([type=checkbox]), textarea")) field.value = text;
      }
      if (focused) document.getElementById(focused)?.focus();
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    }
  };
  if (spiders) {
    spiders.addEventListener("change", bringFields);
    addEventListener("pageshow", bringFields);
    bringFields();
  }

  /* Typed or chosen before this ran, or brought back by a browser that goes back. */
  const atFirst = (field) => (field.options ? (field.querySelector("option[selected]") ?? field.options[0])?.value ?? "" : field.defaultValue);
  const isChanged = (field) => (field.matches("[type=checkbox], [type=radio]") ? field.checked !== field.defaultChecked : field.value !== atFirst(field));
  const changed = all("input, select, textarea").filter(isChanged);
  if (changed.length) setDirty();
  for (const builder of new Set(changed.map((field) => field.closest(".sp-builder")).filter(Boolean))) {
    preview(builder, changed.every((field) => field.closest(".sp-builder") !== builder || field.name.endsWith("-kind")));
  }

  const wanted = document.getElementById(location.hash.slice(1));
  const first = form.querySelector("[aria-invalid=true]") ?? (wanted?.matches("input, select, textarea") ? wanted : null);
  if (first) {
    first.closest("details")?.setAttribute("open", "");
    first.focus();
  }
})();
