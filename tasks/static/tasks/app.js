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
})();
