// Shows what is new without a reload. It only adds to the conversation, or redraws the list and the offered draft:
// forms are never touched, so focus and what is being typed stay where they are.
"use strict";

const PAUSE = 1500; // milliseconds
const status = document.querySelector("[data-status]");

function last(live, mark) {
  return [...live.querySelectorAll(`[data-${mark}]`)].pop()?.dataset[mark];
}

function append(live, html) {
  live.insertAdjacentHTML("beforeend", html);
}

function replace(live, html) {
  const focused = live.contains(document.activeElement) ? document.activeElement.id : "";
  live.innerHTML = html;
  if (focused) document.getElementById(focused)?.focus();
}

async function refresh(live) {
  try {
    const answer = await fetch(`${live.dataset.live}?apres=${last(live, "last") ?? 0}`);
    if (answer.status === 200) {
      (live.dataset.mode === "append" ? append : replace)(live, await answer.text());
      status.textContent = last(live, "announce") ?? "";
    }
  } catch {
    // the server is stopping or starting: the next turn will tell
  }
  setTimeout(refresh, PAUSE, live);
}

// As in Zammad, applying a draft over what an agent has begun to write is asked about first.
document.addEventListener("submit", (event) => {
  const editor = document.getElementById(event.target.dataset.replaces ?? "");
  if (editor?.value.trim() && !window.confirm("Remplacer ce que vous avez commencé à écrire ?")) event.preventDefault();
});

for (const live of document.querySelectorAll("[data-live]")) setTimeout(refresh, PAUSE, live);
