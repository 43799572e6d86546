// Shows what is new without a reload. It only adds to the conversation, or redraws the list:
// forms are never touched, so focus and what is being typed stay where they are.
"use strict";

const PAUSE = 1500; // milliseconds
const live = document.querySelector("[data-live]");
const status = document.querySelector("[data-status]");

function lastSeen() {
  const marks = live.querySelectorAll("[data-last]");
  return marks.length ? marks[marks.length - 1].dataset.last : 0;
}

function append(html) {
  live.insertAdjacentHTML("beforeend", html);
  const added = live.lastElementChild;
  status.textContent = `Nouveau : ${added.dataset.announce}.`;
}

function replace(html) {
  const focused = live.contains(document.activeElement) ? document.activeElement.id : "";
  live.innerHTML = html;
  if (focused) document.getElementById(focused)?.focus();
  status.textContent = "La liste a été mise à jour.";
}

async function refresh() {
  try {
    const answer = await fetch(`${live.dataset.live}?apres=${lastSeen()}`);
    if (answer.status === 200) (live.dataset.mode === "append" ? append : replace)(await answer.text());
  } catch {
    // the server is stopping or starting: the next turn will tell
  }
  setTimeout(refresh, PAUSE);
}

if (live) setTimeout(refresh, PAUSE);
