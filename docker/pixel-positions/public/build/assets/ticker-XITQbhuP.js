// One more than fits, so that the list stays full while a new job slides in.
const LONGEST = 6;

function item(job) {
  const link = document.createElement("a");
  link.className = "ticker-item is-new";
  link.href = job.url;
  link.dataset.id = job.id;

  if (job.logo) {
    const logo = new Image(40, 40);
    logo.src = job.logo;
    logo.alt = "";
    logo.className = "logo logo-small";
    link.append(logo);
  }

  const text = document.createElement("span");
  const title = document.createElement("strong");
  const details = document.createElement("small");
  title.textContent = job.title;
  details.textContent = [job.employer, job.salary].filter(Boolean).join(" · ");
  text.append(title, details);
  link.append(text);

  return link;
}

/** Puts jobs into the ticker as the server announces them. */
export function startTicker(panel) {
  if (!panel || !("EventSource" in window)) return;

  const list = panel.querySelector("[data-ticker-list]");
  const state = panel.querySelector("[data-ticker-state]");
  const source = new EventSource(panel.dataset.ticker);

  const show = (name, text) => {
    state.dataset.state = name;
    state.textContent = text;
  };

  source.addEventListener("open", () => show("live", "live"));

  source.addEventListener("position", (event) => {
    const job = JSON.parse(event.data);
    list.querySelector(`[data-id="${Number(job.id)}"]`)?.remove();
    list.prepend(item(job));
    while (list.children.length > LONGEST) list.lastElementChild.remove();
    panel.dataset.received = Number(panel.dataset.received || 0) + 1;
  });

  // The server ends every stream; staying away frees its process.
  source.addEventListener("done", () => {
    source.close();
    show("idle", "up to date");
  });

  source.addEventListener("error", () => {
    source.close();
    show("idle", "paused");
  });
}
