/* Small helpers for every page. Every page works without them. */
(() => {
  "use strict";
  document.documentElement.classList.add("js");
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const closeOn = "details.sp-drop[open], details.sp-menu[open]";

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const open of all(closeOn)) {
      open.open = false;
      open.querySelector("summary").focus();
    }
  });
  document.addEventListener("click", (event) => {
    for (const open of all(closeOn)) if (!open.contains(event.target)) open.open = false;
  });

  /* Pressed twice, a button acts once: on a slow connection both would arrive. */
  const sent = new WeakMap();
  document.addEventListener("submit", (event) => {
    if (event.target.getAttribute("method") !== "post" || event.defaultPrevented) return;
    if (Date.now() - (sent.get(event.target) ?? 0) < 3000) event.preventDefault();
    else sent.set(event.target, Date.now());
  });
  /* Back from the page that came of it: it may be pressed again. */
  window.addEventListener("pageshow", (event) => { if (event.persisted) for (const form of document.forms) sent.delete(form); });
})();
