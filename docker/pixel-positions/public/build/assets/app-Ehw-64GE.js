import { startTicker } from "./ticker-XITQbhuP.js";
import { previewUploads } from "./upload-zZrPOh4V.js";

const menu = document.querySelector("[data-menu]");
const nav = document.querySelector("#nav");

menu?.addEventListener("click", () => {
  const open = nav.classList.toggle("is-open");
  menu.setAttribute("aria-expanded", String(open));
});

for (const button of document.querySelectorAll("[data-dismiss]")) {
  button.addEventListener("click", () => button.closest("[data-test=flash]").remove());
}

// A filter applies as soon as it is chosen; without script there is a button.
for (const form of document.querySelectorAll("form[data-auto]")) {
  form.addEventListener("change", () => form.requestSubmit());
}

for (const form of document.querySelectorAll("form[data-confirm]")) {
  form.addEventListener("submit", (event) => {
    if (!window.confirm(form.dataset.confirm)) event.preventDefault();
  });
}

// "/" jumps to the search field, as long as nobody is typing.
document.addEventListener("keydown", (event) => {
  const typing = /^(input|textarea|select)$/i.test(event.target.tagName);
  const field = document.querySelector("#q");
  if (event.key === "/" && field && !typing && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    field.focus();
  }
});

previewUploads(document);
startTicker(document.querySelector("[data-ticker]"));
