// Asks for the numbers of the newest frame four times a second. Whatever comes is text, never markup.
const parts = ["decode", "pre", "model", "post", "draw"];
const part = (id) => document.getElementById(id);
const view = part("view");

function element(name, className, ...children) {
  const made = document.createElement(name);
  made.className = className;
  made.append(...children);
  return made;
}

function show(state) {
  part("source").textContent = `${state.file}: ${state.task} by ${state.model}`;
  part("fps").textContent = state.fps?.toFixed(1) ?? "–";
  for (const id of ["frame", "dropped", "damaged"]) part(id).textContent = state[id];
  const total = parts.reduce((sum, name) => sum + state.ms[name], 0);
  part("bar").replaceChildren(
    ...parts.map((name) => {
      const share = element("div", name);
      share.style.flexGrow = state.ms[name] / (total || 1);
      return share;
    }),
  );
  const ms = (name) => `${state.ms[name].toFixed(2)} ms`;
  part("parts").replaceChildren(...parts.map((name) => element("li", name, element("span", "", name), element("span", "", ms(name)))));
  part("found").replaceChildren(...state.lines.map((line) => element("li", "", line)));
  document.body.dataset.frame = state.frame;
}

async function ask() {
  try {
    const state = await (await fetch("state")).json();
    if (state) show(state);
    if (document.body.classList.contains("gone")) view.src = `stream?${Date.now()}`;
    document.body.classList.remove("gone");
  } catch {
    document.body.classList.add("gone");
  }
  setTimeout(ask, 250);
}
ask();
